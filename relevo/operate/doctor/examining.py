"""All looks at once, each with its own deadline."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
from aiokafka.errors import KafkaError

from relevo import __version__
from relevo.operate.doctor import (
    asking_kafka,
    asking_postgres,
    facts,
    installation_secrets,
    machine,
    services_and_mail,
)
from relevo.operate.doctor.finding import NOT_HERE, START, Finding, Verdict, ok, wrong
from relevo.operate.doctor.place import Place
from relevo.operate.patience import in_words
from relevo.operate.patience import place as place_of

# Of each look; with what loading takes, the whole is done in 5.
SECONDS = 2.5
_AWAY = f"start it ({START}), or mend RELEVO_POSTGRES_DSN and RELEVO_KAFKA"


async def examine(place: Place, seconds: float = SECONDS) -> list[Finding]:
    """Everything, in little more than `seconds`, also when nobody answers."""
    # What Kafka's client says of each of its tries, we say once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    docker, postgres, roles, *others = await asyncio.gather(
        _docker(seconds),
        _within("postgres", seconds, _postgres(place)),
        _within("roles", seconds, _roles(place)),
        _within("kafka", seconds, _kafka(place)),
        services_and_mail.services(place, seconds),
        _within("mail", seconds, services_and_mail.mail(place)),
    )
    # Why nobody logs in, Postgres has said already.
    roles = (
        roles
        if any(one.name == "postgres" and one.verdict is Verdict.OK for one in postgres)
        else []
    )
    looks = (_of_this_machine(place), docker, postgres, roles, *others)
    secrets = installation_secrets.look(place.secrets_file, place.values)
    return [*(finding for look in looks for finding in look), *secrets]


async def _within(name: str, seconds: float, look: AsyncIterator[Finding]) -> list[Finding]:
    """What it finds in its time: a line more when it does not end. Nobody waits for its end."""
    found: list[Finding] = []

    async def collect() -> None:
        async for finding in look:
            found.append(finding)  # noqa: PERF401  one by one: some are better than none

    task = asyncio.create_task(collect())
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.cancel()
        return [*found, wrong(name, f"no answer within {seconds:g} s", "see whether it hangs")]
    if task.cancelled() or task.exception():
        # One look that breaks hides no other. What it says may quote a secret.
        why = "cancelled" if task.cancelled() else type(task.exception()).__name__
        return [*found, wrong(name, f"the look at it broke: {why}", "report it: it is our fault")]
    return found


def _of_this_machine(place: Place) -> list[Finding]:
    seen = facts.ports(place)
    return [
        machine.python_version(sys.version_info[:3], facts.python_wanted(), __version__),
        *([machine.ports(seen, running=place.running)] if seen else []),
        *map(machine.disk, facts.disks(place.directory)),
        machine.memory(facts.memory_available(), running=place.running),
        machine.clock_kept(facts.clock_kept()),
    ]


async def _docker(seconds: float) -> list[Finding]:
    try:
        seen = await asyncio.wait_for(facts.docker(), seconds)
    except TimeoutError:
        seen = machine.Docker(client=True)
    return [machine.docker(seen)]


async def _postgres(place: Place) -> AsyncIterator[Finding]:
    if not place.dsn:
        yield ok("postgres", NOT_HERE)
        return
    where = place_of(place.dsn) or "RELEVO_POSTGRES_DSN"
    try:
        session = await asking_postgres.reach(place)
        try:
            yield ok("postgres", where)
            yield await asking_postgres.clock(session)
            yield await asking_postgres.schemas(session, place.services)
            yield await asking_postgres.grants(session, place.services)
        finally:
            session.terminate()
    except (OSError, asyncpg.PostgresError) as error:
        yield wrong("postgres", f"{where}: {in_words(error)}", _AWAY)
    except (ValueError, asyncpg.InterfaceError):
        # What they say may quote a part of the password.
        yield wrong("postgres", "RELEVO_POSTGRES_DSN cannot be read", "postgresql://… is wanted")


async def _roles(place: Place) -> AsyncIterator[Finding]:
    with suppress(ValueError, asyncpg.InterfaceError):  # the DSN, as above
        if place.dsn:
            yield await asking_postgres.log_ins(place, place.services)


async def _kafka(place: Place) -> AsyncIterator[Finding]:
    if not place.kafka:
        yield ok("kafka", NOT_HERE)
        return
    try:
        async with asking_kafka.reach(place) as admin:
            yield ok("kafka", place.kafka)
            yield await asking_kafka.topics(admin, place.prefix)
            for finding in await asking_kafka.lag(admin, place):
                yield finding
    except (OSError, ValueError, KafkaError) as error:
        yield wrong("kafka", f"{place.kafka}: {in_words(error)}", _AWAY)
