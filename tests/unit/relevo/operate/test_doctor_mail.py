"""Where mails go: a folder, or a server that greets."""

from pathlib import Path

import pytest

from relevo.operate.doctor.finding import Finding, Verdict
from relevo.operate.doctor.place import Place
from relevo.operate.doctor.services_and_mail import mail
from tests.kit.mailbox import mail_server


async def asked(**values: str) -> Finding:
    named = {f"RELEVO_CONNECTIONS_{name.upper()}": value for name, value in values.items()}
    (found,) = [finding async for finding in mail(Place(Path("run"), values=named))]
    return found


async def test_a_server_answers() -> None:
    async with mail_server() as server:
        found = await asked(smtp_host="127.0.0.1", smtp_port=str(server.port), smtp_tls="none")
    assert found.verdict is Verdict.OK
    assert found.found == f"127.0.0.1:{server.port} (none) answers EHLO"


async def test_a_server_without_the_tls_that_is_wanted() -> None:
    async with mail_server() as server:
        found = await asked(smtp_host="127.0.0.1", smtp_port=str(server.port))
    assert found.verdict is Verdict.WRONG
    assert found.found.startswith(f"127.0.0.1:{server.port} (starttls): ")


@pytest.mark.parametrize("port", ["9", "many"])
async def test_a_server_that_is_away_or_nowhere(port: str) -> None:
    found = await asked(smtp_host="127.0.0.1", smtp_port=port, smtp_password="hidden")
    assert found.verdict is Verdict.WRONG
    assert "hidden" not in str(found)


async def test_without_a_server_they_are_files(tmp_path: Path) -> None:
    found = await asked(mail_folder=str(tmp_path))
    assert (found.verdict, found.found) == (Verdict.OK, f"files in {tmp_path}")
    nothing = await asked()
    assert nothing.found == "not running here: `make up` starts it"
