"""The compose file end to end, under a project name and ports of its own."""

import json
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from relevo.operate import secrets
from relevo.operate.roles import role_of
from services.catalog import NAMES
from tests.containers.composed import Compose

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]


def _sign_up(compose: Compose, email: str) -> httpx.Response:
    """Somebody signs up and follows the mailed link."""
    form = {"kind": "three_pl", "name": "Lagerhaus", "email": email}
    asked = httpx.post(compose.url("connections", "/v1/accounts"), json=form)
    assert asked.status_code == 202
    link = {"token": compose.mailboxes.wait_for(email).token, "password": "a long enough one"}
    return httpx.post(compose.url("connections", "/v1/accounts/confirm"), json=link)


def _log_in(compose: Compose, email: str) -> httpx.Response:
    who = {"email": email, "password": "a long enough one"}
    return httpx.post(compose.url("connections", "/v1/sessions"), json=who)


def test_every_service_is_ready_after_up_wait(compose: Compose) -> None:
    answers = {name: httpx.get(compose.url(name, "/health/ready")).status_code for name in NAMES}
    assert answers == dict.fromkeys(NAMES, 200)


def test_services_run_without_privileges(compose: Compose) -> None:
    for name in NAMES:
        shown = compose.run("exec", "-T", name, "sh", "-c", "id -u; touch /opt/x 2>&1 || true")
        user, said = shown.stdout.splitlines()
        assert user == "10001"
        assert "Read-only file system" in said


def test_a_service_sees_only_the_secrets_it_needs(compose: Compose) -> None:
    config = json.loads(compose.run("config", "--format", "json").stdout)["services"]
    holders = {
        name
        for name, service in config.items()
        if "RELEVO_CONNECTIONS_SIGNING_KEY" in service.get("environment", {})
    }
    assert holders == {"connections"}


def test_a_service_logs_in_to_postgres_as_its_own_role_alone(compose: Compose) -> None:
    config = json.loads(compose.run("config", "--format", "json").stdout)["services"]
    for name in NAMES:
        environment = config[name]["environment"]
        assert f"//{role_of(name)}:" in environment["RELEVO_POSTGRES_DSN"]
        assert not [key for key in environment if key.startswith("POSTGRES_")]


def test_secrets_of_before_the_roles_say_what_to_do(tmp_path: Path) -> None:
    values = {k: v for k, v in secrets.generate().items() if k != "POSTGRES_ROUTING_PASSWORD"}
    secrets.write(tmp_path / ".env", values)
    refused = Compose(tmp_path).run("up", check=False)
    assert refused.returncode != 0
    assert "the role of routing has no password yet, run `make secrets`" in refused.stderr


def test_one_token_is_good_at_every_service(compose: Compose) -> None:
    email = f"{uuid4().hex}@example.com"
    assert _sign_up(compose, email).status_code == 201
    token = _log_in(compose, email).json()["access_token"]
    for service, path in (
        ("connections", "/v1/connections"),
        ("routing", "/v1/orders?tab=orders"),
        ("webhooks", "/v1/deliveries"),
    ):
        answer = httpx.get(compose.url(service, path), headers={"authorization": f"Bearer {token}"})
        assert (service, answer.status_code, answer.json()["data"]) == (service, 200, [])


def test_data_survives_down_and_up(compose: Compose) -> None:
    email = f"{uuid4().hex}@example.com"
    assert _sign_up(compose, email).status_code == 201
    compose.run("down", "--timeout", "20")
    compose.run("up", "--wait")
    assert _log_in(compose, email).status_code == 201


def test_without_secrets_it_says_what_to_do(compose: Compose, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("")
    refused = Compose(tmp_path).run("up", check=False)
    assert refused.returncode != 0
    assert "run `make secrets`" in refused.stderr
