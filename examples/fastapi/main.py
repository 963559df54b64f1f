import os

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def greet() -> dict[str, str]:
    return {"message": os.environ.get("GREETING", "Hello from FastAPI")}
