"""The services' own word on how they are, and where mails go."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from relevo.operate.doctor.facts import nearest
from relevo.operate.doctor.finding import NOT_HERE, START, Finding, ok, wrong
from relevo.operate.doctor.place import Place
from relevo.operate.patience import in_words
from relevo.operate.status import health


async def services(place: Place, seconds: float) -> list[Finding]:
    """Each process that has an address; all at once."""
    urls = list(place.urls.values())
    answers = await asyncio.gather(*(_health(url, seconds) for url in urls))
    return judge_services(dict(zip(place.urls, answers, strict=True)), running=place.running)


async def _health(url: str, seconds: float) -> tuple[bool, dict[str, str]]:
    try:
        return await asyncio.wait_for(asyncio.to_thread(health, url), seconds)
    except TimeoutError:
        return False, {"process": f"no answer within {seconds:g} s"}


def judge_services(
    answers: Mapping[str, tuple[bool, Mapping[str, str]]], *, running: bool
) -> list[Finding]:
    """Name → whether it is ready and its checks; one that has no answer has the check `http`."""
    silent = [name for name, (_, checks) in answers.items() if "http" in checks]
    if not running and len(silent) == len(answers):
        return [ok("services", NOT_HERE)]
    return [_service(name, *answer, running=running) for name, answer in answers.items()]


def _service(name: str, ready: bool, checks: Mapping[str, str], *, running: bool) -> Finding:  # noqa: FBT001  as health() answers
    if ready:
        return ok(name, "ready")
    bad = ", ".join(f"{check}: {said}" for check, said in checks.items() if said != "ok")
    remedy = f"its log tells why{f': `relevo logs {name}`' if running else f'; {START}'}"
    return wrong(name, f"not ready ({bad})", remedy)


async def mail(place: Place) -> AsyncIterator[Finding]:
    """The mail server, or the folder that takes its place."""
    host = place.values.get("RELEVO_CONNECTIONS_SMTP_HOST", "")
    if host:
        yield await _server(host, place.values)
        return
    named = place.values.get("RELEVO_CONNECTIONS_MAIL_FOLDER")
    if not named and not place.running:
        yield ok("mail", NOT_HERE)
    else:
        yield folder(Path(named) if named else place.directory / "mail")


def folder(path: Path) -> Finding:
    """Whether files can be written there."""
    found = f"files in {path}"
    there = nearest(path)
    if not there.is_dir() or not os.access(there, os.W_OK):
        return wrong("mail", f"{found}: we may not write there", "make it yours")
    return ok("mail", found)


async def _server(host: str, values: Mapping[str, str]) -> Finding:
    import aiosmtplib  # noqa: PLC0415  takes its time to load

    port = values.get("RELEVO_CONNECTIONS_SMTP_PORT") or "587"
    tls = values.get("RELEVO_CONNECTIONS_SMTP_TLS") or "starttls"
    found = f"{host}:{port} ({tls})"
    try:
        server = aiosmtplib.SMTP(
            hostname=host, port=int(port), use_tls=tls == "tls", start_tls=tls == "starttls"
        )  # fmt: skip
        async with server:
            await server.ehlo()
    except (OSError, ValueError, aiosmtplib.SMTPException) as error:
        remedy = "RELEVO_CONNECTIONS_SMTP_HOST, …_PORT and …_TLS; mails wait meanwhile"
        return wrong("mail", f"{found}: {in_words(error)}", remedy)
    return ok("mail", f"{found} answers EHLO")
