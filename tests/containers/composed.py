"""The compose file under a project name and ports of its own."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from relevo.local.processes import free_port
from relevo.mails import Mailboxes, of_compose
from relevo.operate import secrets
from services.catalog import NAMES
from tests.containers.engines import ROOT


@dataclass
class Compose:
    """An installation; its folder holds its secrets."""

    folder: Path
    project: str = field(default_factory=lambda: f"relevo-test-{uuid4().hex[:8]}")
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in NAMES})
    operator_key: str = ""

    def write_environment(self) -> None:
        values = secrets.generate()
        self.operator_key = values["RELEVO_CONNECTIONS_OPERATOR_KEY"]
        ports = {f"RELEVO_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        secrets.write(self.folder / ".env", {**values, **ports})

    @property
    def command(self) -> list[str]:
        file, environment = str(ROOT / "docker-compose.yml"), str(self.folder / ".env")
        return ["docker", "compose", "-p", self.project, "--env-file", environment, "-f", file]

    @property
    def mailboxes(self) -> Mailboxes:
        return of_compose(*self.command)

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RELEVO_", "POSTGRES_"))}
        done = subprocess.run(
            [*self.command, *arguments], capture_output=True, check=False, text=True, env=kept
        )
        if check and done.returncode:
            logs = self.run("logs", "--tail", "40", check=False).stdout
            raise AssertionError(f"{arguments}: {done.stderr[-2_000:]}\n{logs[-8_000:]}")
        return done

    def url(self, service: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}{path}"
