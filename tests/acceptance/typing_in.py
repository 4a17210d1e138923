"""Pages for people, typed as they stand, each in one session of bash."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.kit.blocks import ROOT, Block, script_of


def type_in(checkout: Path, blocks: list[Block]) -> None:
    """Run the blocks, and end what they leave running."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RELEVO_")}
    output = checkout / "output.txt"
    with output.open("w") as written:
        session = subprocess.Popen(
            ["/bin/bash", "-c", script_of(blocks)],
            cwd=checkout,
            env={**kept, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
        try:
            code = session.wait(240)
        finally:
            # The group lives on while anything of it does, and is not there when nothing is.
            with suppress(ProcessLookupError):
                os.killpg(session.pid, signal.SIGKILL)
            session.wait()
    assert code == 0, output.read_text()[-4_000:]
