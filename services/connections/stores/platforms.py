"""What a store may run on, and which credentials that makes. Pure."""

from services.catalog import PLATFORM_NAMES, WEBHOOK_PLATFORMS

API_KEY = "api_key"
# An API key is ours, for the generic order API; platforms that send webhooks have their own secret.
CREDENTIAL_KINDS = (API_KEY, *WEBHOOK_PLATFORMS)


def known_platform(name: str) -> str:
    """The name as given, when stores may run on that platform.

    Raises:
        ValueError: names the platforms that there are.
    """
    return _one_of(name, PLATFORM_NAMES)


def known_kind(kind: str) -> str:
    """The kind as given, when a store may have such credentials.

    Raises:
        ValueError: names the kinds that there are.
    """
    return _one_of(kind, CREDENTIAL_KINDS)


def fitting_secret(kind: str, secret: str | None) -> str | None:
    """The secret as given, when it goes with the kind: an API key is made here, others come along.

    Raises:
        ValueError: a secret that is missing, or one too many.
    """
    if kind == API_KEY and secret is not None:
        raise ValueError("an API key is made by Relevo; leave the secret out")
    if kind != API_KEY and secret is None:
        raise ValueError(f"the secret that {kind} signs webhooks with is needed")
    return secret


def _one_of(name: str, allowed: tuple[str, ...]) -> str:
    if name not in allowed:
        raise ValueError(f"expected one of {', '.join(allowed)}")
    return name
