import asyncio

from main import say


def test_says():
    assert asyncio.run(say(None)).body.startswith(b"starlette says")
