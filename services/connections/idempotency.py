"""`Idempotency-Key`: the same creating request twice gets the first answer again.

The key is claimed in the transaction that creates, so that the answer and what it tells of exist
together or not at all. Answers carry secrets that are shown once, hence they are kept sealed.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel

from services.connections import store
from shared.database import Connection, Database
from shared.problems import Problem
from shared.sealing import Sealer

Answer = TypeVar("Answer", bound=BaseModel)
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Once:
    """Where the answers are kept, and what seals them."""

    database: Database
    sealer: Sealer

    async def create(
        self,
        request: Request,
        owner: str,
        kind: type[Answer],
        body: BaseModel,
        create: Callable[[Connection], Awaitable[Answer]],
    ) -> Answer:
        """What `create` answers in one transaction, or the first answer to the same key.

        Args:
            request: for its path and `Idempotency-Key`.
            owner: whose keys they are: an account, or the one who signs up.
            kind: the model of the answer.
            body: the same key with another one is refused.
            create: creates.

        Raises:
            Problem: 422 `idempotency_mismatch`, `invalid_idempotency_key`; what `create` raises.
        """
        key = request.headers.get("idempotency-key")
        if key is None:
            async with self.database.transaction() as connection:
                return await create(connection)
        if not 0 < len(key) <= _LONGEST:
            raise Problem(
                422, "invalid_idempotency_key", f"Idempotency-Key has 1 to {_LONGEST} characters."
            )
        scope = f"{owner} {request.url.path}"
        asked = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
        async with self.database.transaction() as connection:
            await store.forget_idempotency_keys(connection)
            if not await store.claim_idempotency_key(connection, scope, key):
                return await self._first(connection, scope, key, kind, asked)
            answer = await create(connection)
            kept = orjson.dumps({"asked": asked, "answer": answer.model_dump_json()}).decode()
            await store.keep_answer(connection, scope, key, self.sealer.seal(kept, scope))
        return answer

    async def _first(
        self, connection: Connection, scope: str, key: str, kind: type[Answer], asked: str
    ) -> Answer:
        sealed = await store.kept_answer(connection, scope, key)
        kept = orjson.loads(self.sealer.open(sealed or "", scope))
        if kept["asked"] != asked:
            raise Problem(
                422,
                "idempotency_mismatch",
                "This Idempotency-Key was used with another body; use a new key.",
            )
        return kind.model_validate_json(kept["answer"])
