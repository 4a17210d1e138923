"""What is judged about secrets: their file, and whether they can be used. Names, never values."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from relevo.operate import secrets
from relevo.operate.doctor.finding import NOT_HERE, Finding, ok, warning, wrong
from shared.sealing import Sealer
from shared.web import key_sets

_OTHERS = 0o077


def file(path: Path, mode: int, owner: int, us: int) -> Finding:
    """Who may read it."""
    found = f"{path}: {stat.S_IMODE(mode):04o}"
    if owner != us:
        return warning("secrets file", f"{found}, of user {owner}", f"chown it to user {us}")
    if mode & _OTHERS:
        return wrong("secrets file", found, f"chmod 600 {path}; others may have read it")
    return ok("secrets file", found)


def names(values: Mapping[str, str]) -> Finding:
    """Whether all that services need are there."""
    if missing := secrets.missing(values):
        return wrong(
            "secrets",
            f"missing: {', '.join(missing)}",
            "put back what it had: sealed data opens with nothing else",
        )
    without = sorted(set(secrets.password_names()) - set(values))
    if without:
        return warning("secrets", f"no {', '.join(without)}", "`make secrets` adds them")
    return ok("secrets", "every name is there")


def sealing_keys(text: str) -> Finding:
    """Whether they parse. What the parser says may quote a part of a key."""
    try:
        Sealer.parse(text)
    except ValueError:
        remedy = "put back the line: kid:base64url of 32 bytes, more of them after a comma"
        return wrong("sealing keys", "RELEVO_SEALING_KEYS cannot be read", remedy)
    return ok("sealing keys", f"{len([key for key in text.split(',') if key.strip()])}")


def jwks(text: str) -> Finding:
    """Whether access tokens can be verified by it."""
    try:
        keys = key_sets.by_kid(key_sets.public_keys(text))
    except Exception:  # noqa: BLE001  whatever JSON and PyJWT make of what is no key set
        keys = {}
    if not keys:
        remedy = "put back the line that `relevo secrets` made"
        return wrong("token keys", "RELEVO_AUTH_JWKS cannot be read", remedy)
    return ok("token keys", f"{len(keys)}: {', '.join(keys)}")


def look(path: Path | None, environment: Mapping[str, str]) -> list[Finding]:
    """All of it, from a file or else from the environment."""
    found: list[Finding] = []
    values = environment
    if path is not None:
        try:
            there = path.stat()
            values = secrets.read(path)
        except (OSError, ValueError):
            return [wrong("secrets file", f"{path}: cannot be read", "give it back to its owner")]
        found.append(file(path, there.st_mode, there.st_uid, os.geteuid()))
    elif not any(values.get(name) for name in ("RELEVO_SEALING_KEYS", "RELEVO_AUTH_JWKS")):
        return [ok("secrets", NOT_HERE)]
    if path is not None or "RELEVO_CONNECTIONS_OPERATOR_KEY" in values:
        found.append(names(values))
    for name, judge in (("RELEVO_SEALING_KEYS", sealing_keys), ("RELEVO_AUTH_JWKS", jwks)):
        if values.get(name):
            found.append(judge(values[name]))
    return found
