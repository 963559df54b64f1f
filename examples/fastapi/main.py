import os

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

GREETING = os.environ.get("GREETING", "Hello from FastAPI")

app = FastAPI()


@app.get("/")
def greet() -> dict[str, str]:
    return {"message": GREETING}


@app.get("/hello/{name}", response_class=PlainTextResponse)
def greet_by_name(name: str) -> str:
    return f"{GREETING}, {name}"
