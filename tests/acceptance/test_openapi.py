"""The documents tell the truth: schemathesis with valid credentials, against every service."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.openapi.checks import RejectedPositiveData

from relevo.local.stack import Stack
from services.catalog import API_NAMES
from tests.acceptance import hostile
from tests.acceptance.world import World, a_world

EXAMPLES = 3
# Which text is a cursor of ours, an address that exists or a name that looks like a link; the years
# of a date-time; which kind of credential brings a secret along, and
# which platform has an admin API and what key.
_UNSAYABLE = {
    "/after", "/updated_after", "/accepted_after", "/accepted_before", "/created_after",
    "/created_before", "/since", "/until", "/email", "/contact/email", "/store_url", "/url",
    "/webhook_url", "/secret", "/name", "/contact/name", "/company_name",
    # Which fields of a body or a command go together, and that an order is there once.
    "/body", "/commands", "/commands/…",
    # What a category of tickets needs, and has no use for.
    "/order_id", "/carrier_email", "/attachments", "/fields/value", "/fields/currency",
    "/fields/grams_measured", "/fields/days_since_shipped", "/fields/expected_on",
    "/fields/correct_address",
    # What cannot be meant in a rule, and that a connection is there once.
    "/rules/…", "/connections",
    # That a shipment and a line are there once, which years there are, where a URL may lead.
    "/parcels/…", "/shipments", "/shipments/…", "/lines", "/settings/url",
    # That a list has a price, which currencies there are and their digits, and what time it is.
    "/prices", "/prices/…", "/currency", "/valid_from", "/amount", "/charged_account",
    "/way", "/admin_api/access_token", "/admin_api/consumer_key", "/admin_api/consumer_secret",
}  # fmt: skip
# What the rules refuse although the request is right, beside the 401, 403, 404 and 409 of all APIs.
_BY_THE_RULES = {
    "plan_required", "login_link_expired", "version_conflict", "precondition_required",
    "idempotency_mismatch", "link_expired", "terms_changed", "unsupported_file",
    # OAuth's own.
    "invalid_grant", "invalid_target", "invalid_scope", "unauthorized_client",
}  # fmt: skip
# The same in every run: what it finds is there, and not luck. `make test-deep` draws anew.
_REPEATABLE = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
_AT_RANDOM = settings(_REPEATABLE, max_examples=10 * EXAMPLES, derandomize=False)


def credentials(world: World, service: str) -> list[dict[str, str]]:
    """What those who call the service show, one after the other."""
    tokens = [world.three_pl_token, world.brand_token]
    if service == "ingest":
        tokens.append(world.api_key)
    if service in ("connections", "fulfilment"):
        tokens.append(world.stack.operator_key)
    return [{"Authorization": f"Bearer {token}"} for token in tokens]


def conform(url: str, callers: Sequence[Mapping[str, str]], how: settings) -> int:
    """Hold every operation to the document of its service; how many requests that was.

    Each is sent by every caller, for making one costs more than to send it.

    Raises:
        FailureGroup: an answer that the document does not know.
    """
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    asked = 0
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]  # an invalid one raises
        if operation.path in hostile.ENDLESS:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @how
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                nonlocal asked
                for headers in callers:
                    asked += 1
                    judge(case, case.call(headers=headers))

            # What takes nothing cannot be asked wrongly.
            with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
                ask()
    return asked


def judge(case: Any, answer: Any) -> None:
    """All of schemathesis's checks; but no schema can say what `_UNSAYABLE` has."""
    try:
        case.validate_response(answer)
    except* RejectedPositiveData:
        problem = answer.json()
        pointers = [flaw["pointer"] for flaw in problem.get("errors", ())]
        wrong = {
            re.sub(
                r"^(/connections/\d+/order_rules)?/(commands|rules|prices|parcels|shipments)/.*$",
                r"/\2/…",
                pointer,
            )
            for pointer in pointers
        }
        is_unsayable = answer.status_code == 422 and wrong and wrong <= _UNSAYABLE
        if problem.get("code", problem.get("error")) not in _BY_THE_RULES and not is_unsayable:
            raise


def is_explained(answer: httpx.Response) -> bool:
    """Whether what went wrong is said as everything is."""
    kind = answer.headers.get("content-type", "")
    return answer.is_success or kind == "application/problem+json"


async def hold(stack: Stack, service: str, how: settings) -> None:
    async with a_world(stack) as world:
        await world.send_all([str(n) for n in range(5)])
        callers = credentials(world, service)
        asked = await asyncio.to_thread(conform, stack.urls[service], callers, how)
        assert asked > EXAMPLES * len(callers)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", API_NAMES)
async def test_every_answer_is_in_the_document(stack: Stack, service: str) -> None:
    await hold(stack, service, _REPEATABLE)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("service", API_NAMES)
async def test_no_value_of_any_parameter_breaks_anything(stack: Stack, service: str) -> None:
    async with a_world(stack) as world:
        await world.send("1")
        url = stack.urls[service]
        document = (await world.client.get(f"{url}/openapi.json")).json()
        asked, broken = 0, []
        headers = credentials(world, service)
        for method, path, more in hostile.requests(document):
            asked += 1
            given = {**headers[asked % len(headers)], **more.get("headers", {})}
            body = json.dumps(more["json"]).encode() if "json" in more else None
            answer = await world.client.request(method, url + path, headers=given, content=body)
            if answer.status_code >= 500 or not is_explained(answer):
                broken.append((method, path[:200], str(more)[:200], answer.status_code))
        assert broken == []
        assert asked > 100


@pytest.mark.deep
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("service", API_NAMES)
async def test_every_answer_is_in_the_document_at_length(stack: Stack, service: str) -> None:
    await hold(stack, service, _AT_RANDOM)
