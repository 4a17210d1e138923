"""Scripts and styles: files of ours, asked for once. Their address changes when they do."""

import hashlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "static"
PREFIX = "/static"


@cache
def address_of(name: str) -> str:
    """Where a browser gets a file, and keeps it for a year."""
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]
    return f"{PREFIX}/{digest}/{name}"
