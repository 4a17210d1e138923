"""`make test-containers`: integration tests on production images, then the compose file.

Arguments go to pytest. Needs Docker; `TESTCONTAINERS_RYUK_DISABLED=true` does without
testcontainers' reaper where its image cannot be had.
"""

import os
import subprocess
import sys
import time

from tests.containers.engines import ROOT, engines

_SUITE = [
    *("-n", "2", "--dist", "worksteal"),
    *("-m", "not deep and not containers"),
    *("-p", "tests.containers.addressed"),
    # What asks for the engines of the run; acceptance tests start a stack with its own.
    "tests/integration",
]


def _pytest(arguments: list[str], environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "pytest", *arguments, *sys.argv[1:]]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, check=False
    ).returncode


def main() -> int:
    """Run both parts; the exit code is 0 only if both passed."""
    started = time.monotonic()
    with engines() as environment:
        took = time.monotonic() - started
        sys.stdout.write(f"Kafka and Postgres in containers after {took:.1f} s\n")
        sys.stdout.flush()
        on_images = _pytest(_SUITE, environment)
    of_compose = _pytest(["-m", "containers", "tests/containers"], {})
    return on_images or of_compose


if __name__ == "__main__":
    sys.exit(main())
