"""The house's import rules for import-linter: by what a file is called and says of itself.

No list names a service or a module, so a new one is held to them from its first line.
"""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

# The storeys of a service, from the roof down; a file's name says on which one it is.
_EDGES = ("main", "__main__", "handlers", "dependencies")
_FRAMEWORKS = ("fastapi", "starlette", "faststream", "uvicorn")


def storey(module: str) -> str:
    """`wiring`, `edge`, `store`, or `inner` for everything that decides or does the work."""
    name = module.rsplit(".", 1)[-1]
    if name in ("main", "__main__"):
        return "wiring"
    if name.startswith("http") or name in _EDGES:
        return "edge"
    return "store" if name == "store" else "inner"


# Who may not import whom, within one service.
_NOT_ABOVE = {
    "edge": ("wiring",),
    "inner": ("wiring", "edge"),
    "store": ("wiring", "edge"),
    "wiring": (),
}


class Storeys(Contract):
    """`main` > `http*`, `handlers`, `dependencies` > what decides and does > `store`.

    Nothing imports upwards; frameworks stay at the edges; a slice of a service (a folder with a
    `store` of its own) does not reach into another slice's store.
    """

    type_name = "storeys"

    root = fields.StringField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001  theirs
        """Look at every direct import within the services."""
        broken = sorted(set(self._broken(graph)))
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def _broken(self, graph: ImportGraph) -> Iterator[str]:
        root = str(self.root)
        for importer in graph.modules:
            if not importer.startswith(f"{root}."):
                continue
            for imported in graph.find_modules_directly_imported_by(importer):
                if imported.split(".")[0] in _FRAMEWORKS and storey(importer) in ("inner", "store"):
                    yield f"{importer} imports {imported}: frameworks stay at the edges"
                if _service_of(importer) != _service_of(imported):
                    continue
                if storey(imported) in _NOT_ABOVE[storey(importer)]:
                    yield f"{importer} imports {imported}, which is above it"
                if storey(imported) == "store" and _is_of_another_slice(importer, imported):
                    yield f"{importer} reaches into another slice's store: {imported}"

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line for each."""
        for line in check.metadata["broken"]:
            output.print_error(line)


class Pure(Contract):
    """A module whose docstring says `Pure.` does no I/O, not even through what it imports."""

    type_name = "pure"

    roots = fields.SetField(subfield=fields.StringField())
    forbidden = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001  theirs
        """Look for a chain from each pure module to what does I/O."""
        broken: list[str] = []
        # import-linter puts the values where the fields were declared.
        roots, does_io = cast("set[str]", self.roots), cast("set[str]", self.forbidden)
        pure = [module for root in roots for module in _pure_modules(graph, root)]
        for module in sorted(pure):
            for forbidden in sorted(does_io):
                chain = graph.find_shortest_chain(module, forbidden)
                if chain:
                    broken.append(" → ".join(chain))
        if not pure:
            broken.append("no module says that it is pure: is this contract looking anywhere?")
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line for each."""
        for line in check.metadata["broken"]:
            output.print_error(line)


def _service_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _is_of_another_slice(importer: str, store: str) -> bool:
    """Whether `store` is of a slice (`services.<name>.<slice>.store`) other than the importer's."""
    owner = store.rsplit(".", 1)[0]
    is_slice = owner.count(".") > 1
    return is_slice and not importer.startswith(f"{owner}.")


def _pure_modules(graph: ImportGraph, root: str) -> list[str]:
    return [
        module for module in graph.modules if module.startswith(f"{root}.") and _says_pure(module)
    ]


def _says_pure(module: str) -> bool:
    spec = find_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return False
    docstring = ast.get_docstring(ast.parse(Path(spec.origin).read_text())) or ""
    return "Pure." in docstring or "Pure but" in docstring
