"""Known vulnerabilities in the lock, by pip-audit; what was not looked up is not clean."""

import json
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements-dev.txt"
_SECONDS = 300


class Verdict(Enum):
    """What an audit found."""

    CLEAN = "clean"
    SKIPPED = "skipped"  # the vulnerability service could not be asked, or not about everything
    VULNERABLE = "vulnerable"


def audit(lock: Path) -> tuple[Verdict, str]:
    """The verdict on a hashed requirements file, and a text for people."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes"]
    command += ["--disable-pip", "--progress-spinner=off", "--format=json", "--timeout=10"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return judge("", f"no answer within {_SECONDS} s")
    return judge(answer.stdout, answer.stderr)


def judge(report: str, errors: str) -> tuple[Verdict, str]:
    """What pip-audit's JSON report says.

    Its exit code alone misleads: 0 when the service knew none of the packages, and 1 both for a
    vulnerability and for a network that is away.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        reason = errors.strip().splitlines()[-1:] or ["pip-audit said nothing"]
        return Verdict.SKIPPED, f"DEPENDENCY AUDIT SKIPPED, nothing was looked up: {reason[0]}"
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}, fixed in {flaw['fix_versions']}"
        for package in packages
        for flaw in package.get("vulns", ())
    ]
    if found:
        return Verdict.VULNERABLE, "\n".join(["Known vulnerabilities:", *found])
    unknown = sum("skip_reason" in package for package in packages)
    if unknown:
        return Verdict.SKIPPED, (
            f"DEPENDENCY AUDIT SKIPPED for {unknown} of {len(packages)} packages: "
            "the vulnerability service does not answer for them here."
        )
    return Verdict.CLEAN, f"No known vulnerability in {len(packages)} packages."
