"""Where a newcomer stands: a user who never was here, in a folder that never was here."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from relevo.local.processes import free_port

ROOT = Path(__file__).parents[2]
_PRELUDE = "set -euo pipefail\numask 077\ncd ~/relevo\n"
# Of the environment a newcomer has these: whatever lets packages be fetched from here.
_KEPT = (
    *("LANG", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"),
)
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_TOOLS = "python3 python3-venv make git procps util-linux bsdutils ca-certificates"


class Place:
    """Runs scripts in `~/relevo`, a fresh clone.

    Args:
        name: for the table.
        command: what a script is appended to.
        options: of `subprocess.run`.
        pythons: interpreters that a wheel is tried with.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        options: Mapping[str, object],
        pythons: list[str],
    ) -> None:
        self.name = name
        self._command = command
        self._options = options
        self._facts = {"PYTHONS": " ".join(pythons), "PORT": str(free_port() // 10 * 10)}

    def run(self, script: str, seconds: float) -> tuple[int, str]:
        """Exit code and output of a bash script; 124 when it took longer."""
        facts = "".join(f"{name}='{value}'\n" for name, value in self._facts.items())
        try:
            done = subprocess.run(
                [*self._command, _PRELUDE + facts + script],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=seconds,
                check=False,
                **self._options,  # type: ignore[call-overload]
            )
        except subprocess.TimeoutExpired as error:
            said = error.stdout or b""
            return 124, said.decode(errors="replace") if isinstance(said, bytes) else said
        return done.returncode, done.stdout


def _clone(home: Path) -> None:
    command = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(home / "relevo")]
    subprocess.run(command, check=True, umask=0o077)


def _environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "HOME": str(home), "PATH": _SYSTEM_PATH}


@contextmanager
def fresh_user(pythons: list[str]) -> Iterator[Place]:
    """A user of this machine who is made for it, and removed after; needs root."""
    name = f"newcomer-{uuid4().hex[:6]}"
    home = Path("/var/tmp") / name  # noqa: S108  made by useradd, closed to others
    _quietly("useradd", "--create-home", "--home-dir", str(home), "--shell", "/bin/bash", name)
    try:
        user = pwd.getpwnam(name)
        home.chmod(0o700)
        _clone(home)
        _quietly("chown", "-R", f"{name}:", str(home))
        options = {
            "user": user.pw_uid,
            "group": user.pw_gid,
            "extra_groups": [],
            "cwd": home,
            "env": _environment(home),
        }
        yield Place("a fresh user", ["bash", "-c"], options, pythons)
    finally:
        subprocess.run(["pkill", "-KILL", "-u", name], check=False)  # noqa: S607
        _quietly("userdel", "--force", name)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def fresh_folder(pythons: list[str]) -> Iterator[Place]:
    """Whoever runs this, with a home that is empty."""
    with tempfile.TemporaryDirectory(prefix="newcomer-", dir="/var/tmp") as folder:
        home = Path(folder)
        _clone(home)
        options = {"cwd": home, "env": _environment(home)}
        yield Place("a fresh folder", ["bash", "-c"], options, pythons)


@contextmanager
def container(image: str) -> Iterator[Place]:
    """A container of an image of Debian's kind, with the tools that the README asks for."""
    name = f"newcomer-{uuid4().hex[:6]}"
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        _clone(Path(folder))
        _quietly("docker", "run", "-d", "--rm", "--init", "--network", "host", "--name", name,
                 image, "sleep", "infinity")  # fmt: skip
        try:
            install = (
                f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {_TOOLS}"
            )
            _quietly("docker", "exec", name, "sh", "-c", install)
            _quietly("docker", "exec", name, "useradd", "--create-home", "newcomer")
            _quietly("docker", "cp", f"{folder}/relevo", f"{name}:/home/newcomer/relevo")
            _quietly("docker", "exec", name, "chown", "-R", "newcomer:", "/home/newcomer")
            command = ["docker", "exec", "-u", "newcomer", name, "bash", "-c"]
            yield Place(image, command, {}, ["python3"])
        finally:
            _quietly("docker", "rm", "--force", name)


def _quietly(*command: str) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout.strip()[-2_000:]}")
