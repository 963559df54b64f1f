"""Says what stands in `text`, and whether packages for development were left out."""

from importlib.util import find_spec
from pathlib import Path

from flask import Flask

app = Flask(__name__)


@app.get("/")
def say() -> str:
    return f"flask says {Path('text').read_text().strip()}, pytest {'is' if find_spec('pytest') else 'is not'} here"
