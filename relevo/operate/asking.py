"""What the operator's commands ask connections over HTTP."""

from typing import Annotated, Any, NoReturn

import typer

from relevo.terminal import complain

Json = dict[str, Any]
_SECONDS = 20

Url = Annotated[
    str, typer.Option(envvar="RELEVO_CONNECTIONS_PUBLIC_URL", help="Where connections answers.")
]
Key = Annotated[
    str, typer.Option("--operator-key", envvar="RELEVO_CONNECTIONS_OPERATOR_KEY", show_envvar=True)
]
HERE = "http://127.0.0.1:8001"


def ask(url: str, key: str, method: str, path: str, **more: Any) -> Json:
    """The answer; a command that gets none, or a refusal, says so and ends with exit code 1."""
    import httpx  # noqa: PLC0415  takes its time to load

    try:
        answer = httpx.request(
            method,
            url.rstrip("/") + path,
            headers={"authorization": f"Bearer {key}"},
            timeout=_SECONDS,
            trust_env=False,
            **more,
        )
        body: Json = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        _give_up(f"{url}: {error}. Does connections run there?")
    if not answer.is_success:
        _give_up(str(body.get("detail", answer.status_code)))
    return body


def _give_up(why: str) -> NoReturn:
    complain(why)
    raise typer.Exit(1)
