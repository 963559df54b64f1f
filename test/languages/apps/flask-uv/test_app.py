from app import app


def test_says():
    assert app.test_client().get("/").text.startswith("flask says")
