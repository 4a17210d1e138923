"""Notices on their way out: the message for the outbox of the service that raises one."""

from datetime import datetime
from uuid import UUID

from shared.contracts.notices import NoticeRaised, RaisedData, notice_id
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.message import Message
from shared.kafka.topics import NOTICES


def notice(
    source: str,
    account_id: UUID,
    data: RaisedData,
    about: UUID,
    raised_at: datetime,
    *,
    repeats: bool = True,
) -> Message:
    """The message on `notices`.

    Args:
        source: the service that raises it.
        account_id: whose people should hear of it.
        data: what happened.
        about: what it happened to.
        raised_at: when; has a time zone.
        repeats: whether it can happen to the same thing again, at another time.
    """
    body = NoticeRaised(
        id=notice_id(account_id, data.kind, about, raised_at if repeats else None),
        account_id=account_id,
        data=data,
        raised_at=raised_at,
    )
    key = str(account_id)
    headers = cloud_event_headers(NOTICES.event_type, f"/relevo/{source}", key)
    return Message(NOTICES.name, key, headers, body.model_dump_json().encode())
