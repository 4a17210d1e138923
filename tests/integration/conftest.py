"""What several services' tests need."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import jwt
import orjson
import pytest

from shared.web.auth import AUDIENCE


@pytest.fixture
def make_token(installation_secrets: dict[str, str]) -> Callable[..., str]:
    """Access tokens as `connections` issues them: (account id, kind[, role, …]) → token."""

    def make(account: UUID, kind: str, role: str = "owner", **claimed: Any) -> str:
        key = orjson.loads(installation_secrets["RELEVO_CONNECTIONS_SIGNING_KEY"])
        now = int(time.time())
        claims = {
            "iss": "relevo", "aud": AUDIENCE, "sub": str(account), "account": str(account),
            "kind": kind, "role": role, "ver": 1, "iat": now, "exp": now + 600,
            **claimed,
        }  # fmt: skip
        signing = jwt.PyJWK(key, algorithm="EdDSA")
        return jwt.encode(claims, signing, "EdDSA", {"kid": key["kid"], "typ": "at+jwt"})

    return make
