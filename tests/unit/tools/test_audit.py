"""What pip-audit says is not always what it means."""

import json

from tools.audit import Verdict, judge


def _report(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


def test_all_looked_up_and_none_known_is_clean() -> None:
    report = _report({"name": "typer", "version": "1", "vulns": []})
    assert judge(report, "") == (Verdict.CLEAN, "No known vulnerability in 1 packages.")


def test_a_known_flaw_is_named_with_the_version_that_mends_it() -> None:
    flaw = {"id": "PYSEC-1", "fix_versions": ["2"]}
    report = _report(
        {"name": "typer", "version": "1", "vulns": [flaw]},
        {"name": "rich", "skip_reason": "not found"},
    )
    verdict, said = judge(report, "")
    assert verdict is Verdict.VULNERABLE
    assert "typer 1: PYSEC-1, fixed in ['2']" in said


def test_packages_that_the_service_does_not_know_are_not_called_clean() -> None:
    report = _report({"name": "typer", "skip_reason": "Dependency not found on PyPI"})
    verdict, said = judge(report, "No known vulnerabilities found")
    assert verdict is Verdict.SKIPPED
    assert "1 of 1" in said


def test_a_network_that_is_away_is_said() -> None:
    verdict, said = judge("", "Traceback\nConnectionError: unreachable\n")
    assert verdict is Verdict.SKIPPED
    assert said.endswith("ConnectionError: unreachable")
