"""`relevo bench compare`: two revisions in turn on one machine, so that a ratio decides.

The same machine is up to twice as fast in one hour as in another: figures of two hours cannot be
compared, those of runs in turn (A B A B …) can.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from relevo.local.stack import ROOT

Json = dict[str, Any]
_LOCK = "requirements-dev.txt"
_INSTALL_SECONDS, _RUN_SECONDS = 600, 1_200
HERE = "here"


class ComparisonError(RuntimeError):
    """A revision is not there, or does not run; the message says what was tried."""


def compare(
    revisions: Sequence[str], arguments: Sequence[str], rounds: int, say: Callable[[str], None]
) -> Json:
    """Run `relevo bench path` of each revision in turn.

    Args:
        revisions: two, as git knows them; `here` is this working tree with what is not committed.
        arguments: of `relevo bench path`.
        rounds: how often each.
        say: what is going on.

    Raises:
        ComparisonError: a revision is not known, or its bench failed.
    """
    runs: list[list[Json]] = [[] for _ in revisions]
    with ExitStack() as stack:
        trees = [stack.enter_context(_tree(revision, say)) for revision in revisions]
        for number in range(rounds):
            for of_revision, revision, tree in zip(runs, revisions, trees, strict=True):
                say(f"Round {number + 1} of {rounds}: {revision}")
                of_revision.append(_run(tree, revision, arguments))
    return {
        "revisions": [_name(revision) for revision in revisions],
        "rounds": rounds,
        "rows": rows(*runs),
        "balances": all(run["balances"] for of_revision in runs for run in of_revision),
        "machine": runs[0][0]["machine"],
    }


def rows(before: Sequence[Json], after: Sequence[Json]) -> list[Json]:
    """What was measured in both: load, figure, each run of both, and the ratio of their medians."""
    of_before = [_flat(run) for run in before]
    of_after = [_flat(run) for run in after]
    found = []
    for name in of_before[0]:
        if not all(name in run for run in (*of_before, *of_after)):
            continue
        old, new = [run[name] for run in of_before], [run[name] for run in of_after]
        ratio = round(median(new) / median(old), 3) if median(old) else None
        load, figure = name
        found.append({"load": load, "figure": figure, "before": old, "after": new, "ratio": ratio})
    return found


def _flat(run: Json) -> dict[tuple[str, str], float]:
    """The figures of a run by load and name."""
    found: dict[tuple[str, str], float] = {}
    for load, figures in run["loads"].items():
        for name in ("orders_per_second", "statements_per_order", "transactions_per_order"):
            if name in figures:
                found[load, name] = figures[name]
        for name in ("latency_ms", "answer_ms"):
            for rank in ("p50", "p99"):
                if name in figures:
                    found[load, f"{name} {rank}"] = figures[name][rank]
        for name in ("cpu_seconds_per_1000", "core_percent"):
            costs: Mapping[str, float] = figures.get(name, {})
            found |= {(load, f"{name} {process}"): cost for process, cost in costs.items()}
        found[load, "processor % others, stolen"] = round(
            figures["machine_percent"]["others"] + figures["machine_percent"]["stolen"], 1
        )
    return found


@contextmanager
def _tree(revision: str, say: Callable[[str], None]) -> Iterator[tuple[Path, str]]:
    """A work tree of a revision, and the interpreter with what it needs."""
    if revision == HERE:
        yield ROOT, sys.executable
        return
    with tempfile.TemporaryDirectory(prefix="relevo-compare-") as folder:
        tree = Path(folder) / "tree"
        _git("worktree", "add", "--detach", str(tree), revision)
        try:
            if (tree / _LOCK).read_bytes() == (ROOT / _LOCK).read_bytes():
                yield tree, sys.executable
            else:
                say(f"Installing what {revision} needs")
                _call(["make", ".venv/.synced"], tree, _INSTALL_SECONDS)
                yield tree, str(tree / ".venv" / "bin" / "python")
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _run(tree: tuple[Path, str], revision: str, arguments: Sequence[str]) -> Json:
    folder, python = tree
    command = [python, "-m", "relevo", "bench", "path", "--json", *arguments]
    said = _call(command, folder, _RUN_SECONDS)
    try:
        found: Json = json.loads(said)
    except ValueError as error:
        raise ComparisonError(f"`relevo bench path` of {revision} said no JSON") from error
    if "loads" not in found:
        raise ComparisonError(f"`relevo bench path` of {revision} knows no loads yet")
    return found


def _name(revision: str) -> str:
    if revision == HERE:
        return f"{HERE} ({_git('describe', '--always', '--dirty')})"
    return f"{revision} ({_git('rev-parse', '--short', revision)})"


def _git(*arguments: str) -> str:
    return _call(["git", *arguments], ROOT, 60).strip()


def _call(command: Sequence[str], folder: Path, seconds: float) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True, timeout=seconds
        )
    except subprocess.CalledProcessError as error:
        raise ComparisonError(f"{' '.join(command)}: {error.stderr.strip()[-2_000:]}") from error
    except subprocess.TimeoutExpired as error:
        raise ComparisonError(f"{' '.join(command)}: not done after {seconds:g} s") from error
    return done.stdout
