"""Settings of the connections service, `RELEVO_*`."""

from pydantic import Field, SecretStr

from shared.settings import Settings as SharedSettings


class Settings(SharedSettings):
    """What every service reads, and the keys that only this one may know."""

    port: int = 8001
    connections_signing_key: SecretStr = Field(
        description="The private Ed25519 key (JWK, JSON, with `kid`) that access tokens are "
        "signed with; its public half stands in `auth_jwks`.",
    )
    connections_operator_key: SecretStr = Field(
        min_length=16, description="The bearer key of the operator, who changes plans."
    )
    connections_public_url: str = Field(
        default="http://127.0.0.1:8001", description="What login links and metadata start with."
    )
    connections_token_seconds: int = Field(default=600, ge=1)
    connections_login_link_hours: float = Field(default=48, gt=0)
