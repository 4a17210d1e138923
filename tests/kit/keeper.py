"""Keeps the shared engines of one test run: `python -m tests.kit.keeper FOLDER OWNER_PID`.

Ends, and the engines with it, on SIGTERM or when the run's process is gone.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import psutil

from relevo.local.engines import Kafka, Postgres


def main(folder: Path, owner: int) -> None:
    """Start both, tell where they are, stay."""
    kafka, postgres = Kafka(folder / "engines"), Postgres(folder / "engines", durable=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        kafka.launch()
        postgres.launch()
        postgres.wait()
        kafka.wait()
        scratch = folder / f"keeper.{os.getpid()}"
        where = {"kafka": kafka.address, "postgres": postgres.dsn("postgres")}
        scratch.write_text(json.dumps(where))
        scratch.replace(folder / "keeper.json")
        while psutil.pid_exists(owner):
            time.sleep(1)
    finally:
        kafka.remove()
        postgres.remove()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
