"""The receivers that integrators copy, fed with what Relevo signs."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from shared.signing import key_of, signature
from shared.signing_secrets import new_secret

EXAMPLES = Path(__file__).parents[3] / "examples"
CREATED = b'{"type":"order.created","data":{"external_id":"1001"}}'
PING = b'{"type":"ping","data":{}}'


class Running:
    """A receiver as a process, and what it printed."""

    def __init__(self, program: str, name: str) -> None:
        self.secret = new_secret()
        self._process = subprocess.Popen(
            [program, str(EXAMPLES / name), "0"],
            env={"WEBHOOK_SECRET": self.secret},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self._url = self._process.stdout.readline().removeprefix("listening on ").strip()

    def post(
        self,
        body: bytes,
        webhook_id: str,
        *secrets: str,
        seconds_ago: int = 0,
        headers: dict[str, str] | None = None,
    ) -> int:
        """A webhook signed with these secrets, else with the receiver's own; its answer."""
        at = int(time.time()) - seconds_ago
        keys = [key_of(secret) for secret in secrets or (self.secret,)]
        named = {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(keys, webhook_id, at, body),
        }
        sent = named if headers is None else headers
        return httpx.post(self._url, content=body, headers=sent, trust_env=False).status_code

    def end(self) -> list[str]:
        """The lines that it printed."""
        self._process.kill()
        return self._process.communicate()[0].splitlines()

    def kill(self) -> None:
        """End it, whatever it printed; twice is no harm."""
        with self._process as process:
            process.kill()


@pytest.fixture(params=["receiver.py", "receiver.mjs"])
def receiver(request: pytest.FixtureRequest) -> Iterator[Running]:
    name: str = request.param
    program = sys.executable if name.endswith(".py") else shutil.which("node")
    if program is None:
        pytest.skip("there is no node on this machine")
    running = Running(program, name)
    yield running
    running.kill()


def test_an_event_is_taken_once_however_often_it_comes(receiver: Running) -> None:
    first, second = str(uuid4()), str(uuid4())
    for webhook_id, body in ((first, CREATED), (first, CREATED), (second, PING)):
        assert receiver.post(body, webhook_id) == 204
    assert receiver.end() == [f"order.created 1001 {first}", f"ping - {second}"]


def test_while_a_secret_is_rotated_either_is_enough(receiver: Running) -> None:
    newer, ids = new_secret(), [str(uuid4()), str(uuid4())]
    assert receiver.post(CREATED, ids[0], newer, receiver.secret) == 204
    assert receiver.post(CREATED, ids[1], receiver.secret, newer) == 204
    assert receiver.end() == [f"order.created 1001 {webhook_id}" for webhook_id in ids]


def test_what_is_not_signed_by_relevo_is_refused(receiver: Running) -> None:
    webhook_id, at = str(uuid4()), int(time.time())
    other = signature([key_of(receiver.secret)], webhook_id, at, PING)
    headers = {"webhook-id": webhook_id, "webhook-timestamp": str(at), "webhook-signature": other}
    assert receiver.post(CREATED, webhook_id, new_secret()) == 401
    assert receiver.post(CREATED, webhook_id, headers=headers) == 401
    assert receiver.post(CREATED, webhook_id, headers={}) == 401
    assert receiver.end() == []


def test_what_was_signed_too_long_ago_or_too_far_ahead_is_refused(receiver: Running) -> None:
    for seconds_ago in (400, -400):
        assert receiver.post(CREATED, str(uuid4()), seconds_ago=seconds_ago) == 401
    assert receiver.post(CREATED, "now") == 204
    assert receiver.end() == ["order.created 1001 now"]
