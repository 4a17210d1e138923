"""Keeps the shared engines of one test run: `python -m tests.kit.keeper FOLDER OWNER_PID`.

Ends, and the engines with it, on SIGTERM or when the run's process is gone.
"""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import psutil

from relevo.local.engines import Engine, Kafka, Postgres
from relevo.local.packages import POSTGRES_VERSION
from relevo.local.processes import lives
from tests.kit.memory import MEMORY

# In the folder of a run: a line for each engine, once both serve.
STARTED = "started.txt"


def main(folder: Path, owner: int) -> None:
    """Start both, tell where they are, stay."""
    began = time.monotonic()
    run = psutil.Process(owner)
    kafka, postgres = Kafka(folder / "engines"), Postgres(folder / "engines", durable=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        kafka.launch()
        postgres.launch()
        postgres.wait()
        lines = [_line(f"PostgreSQL {POSTGRES_VERSION}", postgres, began)]
        kafka.wait()
        lines.append(_line("Kafka 4.4", kafka, began))
        (folder / STARTED).write_text("\n".join(lines))
        scratch = folder / f"keeper.{os.getpid()}"
        where = {"kafka": kafka.address, "postgres": postgres.dsn("postgres")}
        scratch.write_text(json.dumps(where))
        scratch.replace(folder / "keeper.json")
        while lives(run):
            time.sleep(1)
    finally:
        kafka.remove()
        postgres.remove()
        if not lives(run):  # else it tidies up itself
            shutil.rmtree(folder, ignore_errors=True)


def _line(name: str, engine: Engine, began: float) -> str:
    where = "in memory" if engine.directory.is_relative_to(MEMORY) else f"in {engine.directory}"
    return f"{name} {where}, port {engine.port}, ready in {time.monotonic() - began:.1f} s"


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
