"""Says what stands in `text`, and whether packages for development were left out."""

from importlib.util import find_spec
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def say(request):
    return PlainTextResponse(f"starlette says {Path('text').read_text().strip()}, pytest {'is' if find_spec('pytest') else 'is not'} here")


app = Starlette(routes=[Route("/", say)])
