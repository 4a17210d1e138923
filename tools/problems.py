"""`docs/problems.md` from the catalogue of problems, and a look at every `Refused(…)`."""

import ast
from collections.abc import Iterator
from pathlib import Path

from shared.web.problems import CATALOGUE

ROOT = Path(__file__).parent.parent
_HEAD = """# Problems

What a request gets instead of an answer: RFC 9457 `application/problem+json`, with `code` for
machines and `detail` for people. Written by `make docs` from `shared/web/problems.py`; `{…}` stands
for a fact of the case, which is also a member of the document.

A wrong field is named in `errors`: `[{"pointer": "/lines/0/price", "message": "…"}]` (JSON Pointer,
RFC 6901). A version that was sent in `If-Match` and is old answers 412 instead of 409.

| code | status | when | what to do |
|---|---|---|---|
"""


def document() -> str:
    """The page."""
    rows = [
        f"| `{code}` | {problem.status} | {problem.sentence} | {problem.remedy} |"
        for code, problem in CATALOGUE.items()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def flaws(root: Path = ROOT) -> Iterator[str]:
    """Refusals with a code that is not in the catalogue, or without the facts of its sentence."""
    for folder in ("services", "shared"):
        for file in sorted((root / folder).rglob("*.py")):
            for call in _refusals(file):
                code = call.args[0] if call.args else None
                if not isinstance(code, ast.Constant) or not isinstance(code.value, str):
                    continue
                place = f"{file.relative_to(root)}:{call.lineno}"
                if code.value not in CATALOGUE:
                    yield f"{place}: {code.value!r} is not in the catalogue"
                    continue
                given = {word.arg for word in call.keywords}
                missing = CATALOGUE[code.value].facts - given
                if missing and None not in given:
                    yield f"{place}: {code.value!r} needs {', '.join(sorted(missing))}"


def _refusals(file: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused":
            yield node
