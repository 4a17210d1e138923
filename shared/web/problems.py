"""Errors over HTTP: RFC 9457 `application/problem+json`, from exactly one place.

`CATALOGUE` is the one table of what can go wrong: code → status, sentence, what to do about it.
`docs/problems.md` is made from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from string import Formatter
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from shared.failures import Permanent, Refused, is_transient
from shared.web.mistakes import path_meant

logger = structlog.get_logger(__name__)
RETRY_AFTER_SECONDS = 2
# Nobody mends more at once, and an answer is not to be larger than the request.
_MOST_ERRORS = 100
_MOST_CHARACTERS = 200
_TYPE = "https://relevo.dev/problems/"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem.

    Args:
        status: HTTP status code.
        sentence: what is wrong, completed with the facts of the case: `{version}`.
        remedy: what to do next.
    """

    status: int
    sentence: str
    remedy: str

    @property
    def facts(self) -> set[str]:
        """What the sentence and the remedy have to be completed with."""
        text = f"{self.sentence} {self.remedy}"
        return {name for _, name, _, _ in Formatter().parse(text) if name}


CATALOGUE: Mapping[str, ProblemType] = {
    # --- the request itself
    "malformed_json": ProblemType(
        400, "The body is not valid JSON.", "Send JSON (RFC 8259), in UTF-8."
    ),
    "not_found": ProblemType(
        404, "There is no such {what}, or it is not yours.", "Check the id and the account."
    ),
    "unknown_path": ProblemType(
        404, "There is no path {path} here.", "{hint} `/docs` lists them all."
    ),
    "method_not_allowed": ProblemType(
        405, "This path has no {method}; it has {allowed}.", "See the documentation at `/docs`."
    ),
    "unsupported_media_type": ProblemType(
        415,
        "This takes JSON, and the body came as {sent}.",
        "Send JSON, with `Content-Type: application/json`.",
    ),
    "http_error": ProblemType(400, "{reason}.", "See the API's documentation at `/docs`."),
    "validation_failed": ProblemType(
        422,
        "Some fields are missing or wrong; nothing was changed.",
        "`errors` names each of them; correct them and send the request again.",
    ),
    "rejected": ProblemType(422, "{reason}.", "Correct it and send the request again."),
    "invalid_cursor": ProblemType(
        422,
        "`after` is not a cursor of this list.",
        "Leave it out to start at the first page.",
    ),
    "precondition_required": ProblemType(
        428,
        "This change has to say which version it is made to.",
        "Send `If-Match` with the version that you read.",
    ),
    "version_conflict": ProblemType(
        409,
        "The {what} has changed since you read it; it is at version {version}.",
        "Read it and decide again.",
    ),
    "invalid_idempotency_key": ProblemType(
        422, "Idempotency-Key has 1 to {most} characters.", "Send another key, such as a UUID."
    ),
    "idempotency_mismatch": ProblemType(
        422, "This Idempotency-Key was used with another body.", "Use a new key."
    ),
    "body_too_large": ProblemType(
        413, "The body is over the limit of {limit} bytes.", "Send less at once."
    ),
    "unsupported_file": ProblemType(
        415,
        "This kind of file is not taken; it looks like {looks_like}.",
        "Send PDF, JPEG, PNG, WEBP or plain text in UTF-8.",
    ),
    "body_too_complex": ProblemType(
        413, "The body has too many fields and values.", "Send less at once."
    ),
    "malformed_encoding": ProblemType(
        400, "The body is not {encoding}, as Content-Encoding says.", "Send it as it says."
    ),
    "body_too_slow": ProblemType(
        408, "The body was not here within {seconds} s.", "Send the request again."
    ),
    # --- who asks
    "missing_token": ProblemType(
        401,
        "There is no access token: {seen}.",
        "Send `Authorization: Bearer <access token>`; POST /v1/sessions gives one.",
    ),
    "invalid_token": ProblemType(
        401,
        "The access token does not count: {seen}.",
        "Log in again, or have a new one issued.",
    ),
    "invalid_operator_key": ProblemType(
        401, "This call is the operator's.", "Send the operator key as bearer token."
    ),
    "missing_key": ProblemType(
        401,
        "There is no API key of the store: {seen}.",
        "Send `Authorization: Bearer <API key>`; POST /v1/stores/…/credentials makes one.",
    ),
    "invalid_key": ProblemType(
        401,
        "This API key is not one of the store's: {seen}.",
        "Make one, or send the right one.",
    ),
    "missing_signature": ProblemType(
        401,
        "There is no signature: no header {header}.",
        "Only {platform} sends here, and signs: {otherwise}.",
    ),
    "invalid_signature": ProblemType(
        401,
        "The signature in {header} does not fit the body.",
        "Is the secret that {platform} signs with the one that was given to Relevo, and is the "
        "body passed on byte by byte?",
    ),
    "invalid_grant": ProblemType(
        401, "This refresh token is over, or was used before.", "Log in again."
    ),
    "invalid_credentials": ProblemType(
        401, "The e-mail or the password is not right.", "Try again."
    ),
    # --- accounts, brands, stores
    "role_required": ProblemType(
        403,
        "This needs the role `{role}` in the account.",
        "Ask an owner of the account.",
    ),
    "too_many": ProblemType(409, "There are {most} {what} at most.", "End old ones."),
    "insufficient_scope": ProblemType(
        403, "The token does not have the scope `{scope}`.", "Ask for it, or use another client."
    ),
    "delegated": ProblemType(
        403,
        "This is not done in somebody else's name.",
        "Ask the brand to do it.",
    ),
    "connections_live": ProblemType(
        409,
        "Connections of the account are live: {connection_ids}.",
        "Disconnect them first; the preview says where their orders go.",
    ),
    "last_owner": ProblemType(
        409, "This is the only owner of the account.", "Make somebody else an owner first."
    ),
    "three_pl_only": ProblemType(403, "Only a 3PL account can do this.", "Sign up as `three_pl`."),
    "brand_only": ProblemType(
        403,
        "Only the store's brand can do this now.",
        "Ask the brand to do it.",
    ),
    "credential_revoked": ProblemType(
        409,
        "The credential that this Idempotency-Key made was revoked.",
        "Make another one, with a new key.",
    ),
    "rotation_under_way": ProblemType(
        409,
        "A new key is announced and does not sign yet.",
        "Wait until it signs, or retire the others now.",
    ),
    "plan_required": ProblemType(
        402,
        "The 3PL has to be on plan `conquer` to hold connections.",
        "Ask the operator to change the plan.",
    ),
    "already_connected": ProblemType(
        409,
        "You have a connection to this store.",
        "Issue a new login link if the brand needs one.",
    ),
    "brand_accepted": ProblemType(
        409,
        "The brand has accepted; where mails to it go is its own to say.",
        "Leave the contact's e-mail as it is.",
    ),
    "nothing_pending": ProblemType(
        409, "No connection with this brand waits to be accepted.", "Add the brand's store."
    ),
    "login_link_expired": ProblemType(
        410, "This login link is over or was replaced.", "Ask your 3PL for a new one."
    ),
    "link_expired": ProblemType(
        410, "This link is over or was used.", "Log in, or ask for a new mail."
    ),
    "wrong_password": ProblemType(
        403, "The address has another password.", "Use that one, or ask for a new password."
    ),
    "wrong_account": ProblemType(
        403,
        "This link was mailed to somebody else than who is logged in.",
        "Log in as the reader of that mail, or log out.",
    ),
    "terms_changed": ProblemType(
        412,
        "The settings have changed since they were shown; they are at version {version}.",
        "Read them again, and accept those.",
    ),
    "store_proven_elsewhere": ProblemType(
        409,
        "Another account has proven that this store is its own.",
        "The brand proves it with `POST /v1/stores/…/proofs`: the newest proof counts.",
    ),
    "proof_not_found": ProblemType(
        422,
        "The proof was not found: {seen}.",
        "Publish what the challenge says, wait until it can be seen, and check again.",
    ),
    "three_pl_blocked": ProblemType(
        403,
        "This account has blocked the 3PL.",
        "Lift the block first, if it is to work for you.",
    ),
    "too_many_credentials": ProblemType(
        409, "A store has {most} credentials at most.", "Revoke old ones."
    ),
    # --- connections and orders
    "not_yours_to_set": ProblemType(
        403, "Only the {party} sets {field}.", "Ask the other party of the connection."
    ),
    "setting_locked": ProblemType(
        403, "The brand has locked {field}.", "Ask the brand to change or to unlock it."
    ),
    "invalid_transition": ProblemType(
        409, "A {what} that is {state} cannot do this.", "Read it and decide again."
    ),
    "follows_connection": ProblemType(
        409,
        "This endpoint follows the settings of its connection.",
        "Change them: `PATCH /v1/connections/…/settings`, `POST …/webhook-secret`.",
    ),
    "not_endpoint_owner": ProblemType(
        403, "Only the owner of its endpoint sends it again.", "Ask the other party."
    ),
    "endpoint_disabled": ProblemType(
        409,
        "Nothing is sent to the endpoint of this delivery.",
        "Enable it: `POST /v1/endpoints/…/enable`; one that was deleted is over.",
    ),
    "body_erased": ProblemType(
        409, "The brand's data was erased; there is nothing to send.", "Leave it."
    ),
    "order_rules_changed_too_often": ProblemType(
        429,
        "The order rules of this connection changed too often in the last days; nothing changed.",
        "Wait as long as `Retry-After` says, or send shorter rules.",
    ),
    "priority_taken": ProblemType(
        409,
        "Another active connection of this store has priority {priority}.",
        "Give this one another (PATCH its settings); lower wins.",
    ),
    "not_hold_owner": ProblemType(
        403,
        "No hold of this order is yours to lift.",
        "`holds` of the order says who may lift each of them.",
    ),
    "too_many_holds": ProblemType(
        409, "An order has at most {most} holds.", "Lift one before you place another."
    ),
    "not_owner": ProblemType(403, "Another party owns this order now.", "Leave it to that party."),
    "not_support_owner": ProblemType(
        403,
        "Another party answers for the tickets of this order.",
        "Read them; `support_owner` of the order's snapshot says who writes.",
    ),
    "not_rules_owner": ProblemType(
        403,
        "Another account's shipping rules choose the carrier of this shipment.",
        "Ask that account; whoever has the order may still ship it and say its tracking number.",
    ),
    "carrier_account_exists": ProblemType(
        409, "There is an account with the carrier {carrier} already.", "Change that one."
    ),
    "carrier_account_in_use": ProblemType(
        409,
        "Labels of this carrier account are under way.",
        "Wait until they are settled, or cancel them first.",
    ),
    "no_carrier_account": ProblemType(
        409,
        "Labels of this shipment are not bought here: its carrier has no account that does so.",
        "Make the label at the carrier and say the tracking number, or add a carrier account.",
    ),
    "no_documents": ProblemType(
        409,
        "None of these shipments has a label as {format}.",
        "Buy labels for them, or print them one by one.",
    ),
    "too_many_documents": ProblemType(
        413, "These labels are over {most} bytes together.", "Print fewer at once."
    ),
    "label_under_way": ProblemType(
        409,
        "A label of this shipment is under way: it is {label}.",
        "Wait until it is settled.",
    ),
    "too_many_shipments": ProblemType(
        409, "An order has at most {most} shipments.", "Put more into each of them."
    ),
    "connection_ended": ProblemType(
        409,
        "The connection ended; the order is on its way back to the brand.",
        "Stop working on it.",
    ),
    "order_erased": ProblemType(
        409,
        "The brand's data was erased; the order is closed.",
        "Stop working on it: nothing can be done with it any more.",
    ),
    "price_list_exists": ProblemType(
        409,
        "There is a price list for this account already.",
        "Change that one: `PUT /v1/price-lists/…`.",
    ),
    "not_creditor": ProblemType(
        403, "Only who charged this can give it back.", "Ask them: `credit_account`."
    ),
    "not_posted": ProblemType(
        409, "Only what is posted can be given back.", "What is pending ends with its shipment."
    ),
    "more_than_is_left": ProblemType(
        409, "Of this entry {left} {currency} are left.", "Give back that much or less."
    ),
    # --- limits and outages
    "rate_limited": ProblemType(
        429,
        "This store may send {rate} requests a second.",
        "Wait as long as `Retry-After` says and send the request again.",
    ),
    "too_many_orders": ProblemType(
        413, "There are more than {most} orders in this request.", "Send fewer at once."
    ),
    "overloaded": ProblemType(
        503, "Too many requests are under way.", "Send the request again in a moment."
    ),
    "too_many_attempts": ProblemType(
        429,
        "Too many attempts came from this network, or were made about this store.",
        "Wait as long as `Retry-After` says.",
    ),
    "too_many_mails": ProblemType(
        429,
        "An account has {most} messages a day mailed to carriers.",
        "Wait as long as `Retry-After` says.",
    ),
    "busy": ProblemType(
        503, "Too many log-ins are under way.", "Send the request again in a moment."
    ),
    "temporarily_unavailable": ProblemType(
        503,
        "A part of Relevo is restarting; nothing was changed or accepted.",
        "Send the request again.",
    ),
    "internal_error": ProblemType(
        500, "Something is broken on our side; it was logged.", "Tell the operator."
    ),
}
# What was tried and can be tried again later, as it is.
_RETRIABLE = frozenset(
    {
        "rate_limited",
        "overloaded",
        "too_many_attempts",
        "too_many_mails",
        "busy",
        "temporarily_unavailable",
        "order_rules_changed_too_often",
    }
)


def validation_errors(errors: Sequence[ErrorDetails] | Sequence[Any]) -> list[dict[str, str]]:
    """Pydantic's errors as JSON Pointers, the first hundred; never the input itself."""
    return [
        {
            "pointer": "".join(
                "/" + str(part).replace("~", "~0").replace("/", "~1") for part in error["loc"]
            ),
            "message": str(error["msg"]),
        }
        for error in errors[:_MOST_ERRORS]
    ]


def errors_of(error: ValidationError) -> list[dict[str, str]]:
    """What is wrong with a model's input, as `validation_errors`, at no more cost than needed."""
    return validation_errors(
        error.errors(include_url=False, include_context=False, include_input=False)
    )


def status_of(refused: Refused, request: Request) -> int:
    """The HTTP status of a refusal.

    A version that came in `If-Match` and is old is 412 (RFC 9110, 13.1.1), one in a body is 409.
    """
    if refused.code == "version_conflict" and "if-match" in request.headers:
        return 412
    status = refused.facts.get("status")
    return status if refused.code == "http_error" and status else CATALOGUE[refused.code].status


def _headers_of(refused: Refused, status: int) -> dict[str, str]:
    facts = refused.facts
    headers: dict[str, str] = {}
    if status == 401 and refused.code != "invalid_credentials":  # noqa: PLR2004  RFC 9110, 15.5.2
        headers["WWW-Authenticate"] = "Bearer"
    if refused.code in _RETRIABLE:
        headers["Retry-After"] = str(facts.get("retry_after", RETRY_AFTER_SECONDS))
    if refused.code == "rate_limited":
        headers["RateLimit-Policy"] = f'"store";q={facts["burst"]};w={facts["window"]}'
        headers["RateLimit"] = f'"store";r=0;t={facts["retry_after"]}'
    if refused.code == "version_conflict":
        headers["ETag"] = f'"{facts["version"]}"'
    if refused.code == "body_too_slow":
        headers["Connection"] = "close"
    return headers


def _in_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as a sentence has them: lists as people write them."""
    return {
        name: ", ".join(map(str, fact)) if isinstance(fact, list | tuple) else fact
        for name, fact in facts.items()
    }


class Problem(BaseModel):
    """What is wrong and what to do about it (RFC 9457), with the facts of the case."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str


def document(request: Request, refused: Refused) -> dict[str, Any]:
    """The problem as RFC 9457 has it, for an answer or a part of one."""
    problem = CATALOGUE[refused.code]
    body: dict[str, Any] = {
        **refused.facts,
        "type": _TYPE + refused.code,
        "title": refused.code.replace("_", " ").capitalize(),
        "status": status_of(refused, request),
        "detail": f"{problem.sentence} {problem.remedy}".format(**_in_words(refused.facts)),
        "code": refused.code,
        "instance": request.url.path,
    }
    if refused.errors:
        body["errors"] = refused.errors
    return body


def respond(request: Request, refused: Refused) -> Response:
    """The problem document."""
    status = status_of(refused, request)
    return JSONResponse(
        document(request, refused),
        status_code=status,
        headers=_headers_of(refused, status),
        media_type="application/problem+json",
    )


def _within(loc: Sequence[Any], body: Any) -> tuple[Any, ...]:
    """Where a flaw is in the body as it was sent.

    Pydantic also names the kind that it took a part of a union for, which is no part of the body.
    """
    found = []
    at, is_named = body, True
    for part in loc:
        if isinstance(at, Mapping) and at.get("kind") == part and not is_named:
            is_named = True
            continue
        found.append(part)
        is_named = False
        try:
            at = at[part]
        except (LookupError, TypeError):
            at = None
    return tuple(found)


def _paths_of(app: FastAPI) -> list[str]:
    """The paths that programs call, as `/v1/orders/{order_id}`."""
    return [
        context.path or ""
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute) and context.original_route.include_in_schema
    ]


def _refusal_of(request: Request, error: Exception) -> Refused:
    """The one place that maps an exception to what a caller is told."""
    match error:
        case Refused():
            return error
        case RequestValidationError():
            return _of_validation(request, error)
        case HTTPException():
            return _of_http(request, error)
        case Permanent():
            return Refused("rejected", reason=error.reason.rstrip("."))
    return Refused("temporarily_unavailable" if is_transient(error) else "internal_error")


def _of_validation(request: Request, error: RequestValidationError) -> Refused:
    # FastAPI's location starts with where it looked: body, query, path or header.
    errors = [
        {**flaw, "loc": _within(flaw["loc"][1:], error.body) or flaw["loc"]}
        for flaw in error.errors()
    ]
    if any(flaw["type"] == "json_invalid" for flaw in errors):
        return Refused("malformed_json")
    if isinstance(error.body, bytes):  # FastAPI did not take it for JSON
        sent = request.headers.get("content-type", "")[:_MOST_CHARACTERS]
        return Refused("unsupported_media_type", sent=sent or "nothing that is named")
    return Refused("validation_failed", errors=validation_errors(errors))


def _of_http(request: Request, error: HTTPException) -> Refused:
    if error.status_code == HTTPStatus.NOT_FOUND:
        path = request.url.path
        meant = path_meant(path, _paths_of(request.app))
        hint = f"Is `{meant}` meant?" if meant else "It may be another service's;"
        return Refused("unknown_path", path=path[:_MOST_CHARACTERS], hint=hint)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "others")
        return Refused("method_not_allowed", method=request.method, allowed=allowed)
    reason = str(error.detail).rstrip(".")
    return Refused("http_error", status=error.status_code, reason=reason)


async def answer(request: Request, error: Exception) -> Response:
    """The problem document of what was raised; what nobody expected is logged."""
    refused = _refusal_of(request, error)
    # What a limit refuses is in the metrics: a flood of requests is not to be one of lines too.
    if refused.code == "internal_error":
        logger.error("request failed", path=request.url.path, code=refused.code, exc_info=error)
    elif refused.code == "temporarily_unavailable":
        logger.warning(
            "request failed", path=request.url.path, code=refused.code, reason=str(error)
        )
    response = respond(request, refused)
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    # Handlers of `Exception` run outside the middlewares and re-raise; the transient ones before it
    # are expected.
    for kind in (
        *(Refused, RequestValidationError, HTTPException, Permanent),
        *(OSError, TimeoutError, Exception),
    ):
        app.add_exception_handler(kind, answer)
