"""`Idempotency-Key`: the same creating request twice gets the first answer again.

The key is claimed in the transaction that creates, so that the answer and what it tells of exist
together or not at all. Answers carry secrets that are shown once, hence they are kept sealed.
A service that uses it has a table `idempotency_keys` in its schema (`CREATE_V1`), and sweeps it:
what is older than a day counts no more.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel

from shared.failures import Refused
from shared.postgres.database import Database, Session
from shared.sealing import Sealer

Answer = TypeVar("Answer", bound=BaseModel)
_LONGEST = 255

# For the first migration of a schema that keeps answers; frozen, as every migration is.
CREATE_V1 = """
CREATE TABLE {schema}.idempotency_keys (
    scope text NOT NULL,
    key text NOT NULL,
    sealed_answer text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_created ON {schema}.idempotency_keys (created_at);
"""
# True when the key is ours to answer: new, or older than a day. Waits for a request with the same
# key that is under way.
_CLAIM = """
INSERT INTO idempotency_keys (scope, key) VALUES ($1, $2)
ON CONFLICT (scope, key) DO UPDATE SET sealed_answer = NULL, created_at = now()
    WHERE idempotency_keys.created_at < now() - interval '24 hours'
RETURNING true
"""
_STORE = "UPDATE idempotency_keys SET sealed_answer = $3 WHERE scope = $1 AND key = $2"
_STORED = "SELECT sealed_answer FROM idempotency_keys WHERE scope = $1 AND key = $2"


@dataclass(frozen=True, slots=True)
class IdempotencyKeys:
    """Where the answers are kept, and what seals them."""

    database: Database
    sealer: Sealer

    async def run_once(
        self,
        request: Request,
        owner: str,
        kind: type[Answer],
        body: BaseModel,
        create: Callable[[Session], Awaitable[Answer]],
        again: Callable[[Session, Answer], Awaitable[None]],
    ) -> Answer:
        """What `create` answers in one transaction, or the first answer to the same key.

        Args:
            request: for its path and `Idempotency-Key`.
            owner: whose keys they are: an account, or the one who signs up.
            kind: the model of the answer.
            body: the same key with another one is refused.
            create: creates.
            again: lets the first answer be shown once more, or refuses: whoever asks may have lost
                the right to it since, and what it tells of may be gone.

        Raises:
            Refused: `idempotency_mismatch`, `invalid_idempotency_key`; what `create` and `again`
                raise.
        """
        key = request.headers.get("idempotency-key")
        if key is None:
            async with self.database.transaction() as session:
                return await create(session)
        if not 0 < len(key) <= _LONGEST:
            raise Refused("invalid_idempotency_key", most=_LONGEST)
        scope = f"{owner} {request.url.path}"
        # What was not sent is not the same as null.
        sent = body.model_dump_json(exclude_unset=True)
        asked = hashlib.sha256(sent.encode()).hexdigest()
        async with self.database.transaction() as session:
            if not await session.fetchval(_CLAIM, scope, key):
                answer = await self._stored_response(session, scope, key, kind, asked)
                await again(session, answer)
                return answer
            answer = await create(session)
            kept = orjson.dumps({"asked": asked, "answer": answer.model_dump_json()}).decode()
            await session.execute(_STORE, scope, key, self.sealer.seal(kept, scope))
        return answer

    async def _stored_response(
        self, session: Session, scope: str, key: str, kind: type[Answer], asked: str
    ) -> Answer:
        sealed = await session.fetchval(_STORED, scope, key)
        kept = orjson.loads(self.sealer.open(sealed or "", scope))
        if kept["asked"] != asked:
            raise Refused("idempotency_mismatch")
        return kind.model_validate_json(kept["answer"])
