"""The generated documents: OpenAPI of each service, AsyncAPI of the topics, problems, an index.

They are committed, so that a change of an interface is seen in review; `make check` fails
when the code says something else.
"""

import difflib
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from relevo.operate import secrets
from services import catalog
from tools import decisions, problems
from tools.asyncapi import document

FOLDER = Path(__file__).parent.parent / "docs"
_HINT_LINES = 40


def _openapi(service: str) -> dict[str, Any]:
    """What the service's application says of itself; needs no engine."""
    # By name: what there is, the catalogue says.
    settings_of = importlib.import_module(f"services.{service}.settings").Settings
    create_app = importlib.import_module(f"services.{service}.main").create_app
    keys = {name.removeprefix("RELEVO_").lower(): v for name, v in secrets.generate().items()}
    settings = settings_of(
        **keys, postgres_dsn="postgresql://nobody@localhost/none", kafka="localhost:9092"
    )
    answer: dict[str, Any] = create_app(settings).openapi()
    return answer


def _generated() -> Iterator[tuple[Path, str]]:
    documents = {
        Path("openapi") / f"{service}.json": _openapi(service) for service in catalog.API_NAMES
    }
    documents[Path("asyncapi") / "relevo.json"] = document()
    for path, content in documents.items():
        yield path, json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    yield Path("problems.md"), problems.document()
    yield Path("decisions") / "README.md", decisions.index()


def write(folder: Path = FOLDER) -> list[Path]:
    """Write the documents; those that changed, relative to `folder`."""
    changed = []
    for path, text in _generated():
        file = folder / path
        if not file.exists() or file.read_text() != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            changed.append(path)
    return changed


def drift(folder: Path = FOLDER) -> str:
    """The head of a unified diff from what is committed to what the code says; "" when equal."""
    lines: list[str] = []
    for path, text in _generated():
        file = folder / path
        committed = file.read_text() if file.exists() else ""
        lines += difflib.unified_diff(
            committed.splitlines(),
            text.splitlines(),
            f"committed {path}",
            f"generated {path}",
            lineterm="",
        )
    if len(lines) > _HINT_LINES:
        lines = [*lines[:_HINT_LINES], f"… {len(lines) - _HINT_LINES} more lines"]
    return "\n".join(lines)
