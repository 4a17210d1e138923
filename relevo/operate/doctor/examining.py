"""All looks at once, each with its own deadline."""

import asyncio
import logging
import sys
from collections.abc import Awaitable

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
from relevo.operate.doctor.finding import NOT_HERE, START, Finding, ok, wrong
from relevo.operate.doctor.place import Place
from relevo.operate.doctor.services_and_mail import SECONDS
from relevo.operate.patience import in_words
from relevo.operate.patience import place as place_of

_AWAY = f"start it ({START}), or mend RELEVO_POSTGRES_DSN and RELEVO_KAFKA"


async def examine(place: Place) -> list[Finding]:
    """Everything; a little more than 2.5 s at most, also when nobody answers."""
    # What Kafka's client says of each of its tries, we say once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    first = _of_this_machine(place)
    looks = await asyncio.gather(
        _docker(),
        _within(_postgres(place), "postgres"),
        _within(_roles(place), "roles"),
        _within(_kafka(place), "kafka"),
        services_and_mail.services(place),
        _within(_mail(place), "mail"),
    )
    secrets = installation_secrets.look(place.secrets_file, place.values)
    docker, postgres, roles, *others = looks
    # Why nobody logs in, Postgres has said already.
    roles = roles if postgres[1:] else []
    return [*first, *docker, *postgres, *roles, *(one for look in others for one in look), *secrets]


async def _within(look: Awaitable[list[Finding]], name: str) -> list[Finding]:
    try:
        return await asyncio.wait_for(look, SECONDS)
    except TimeoutError:
        return [wrong(name, f"no answer within {SECONDS:g} s", "see whether it hangs")]


def _of_this_machine(place: Place) -> list[Finding]:
    seen = facts.ports(place)
    return [
        machine.python_version(sys.version_info[:3], facts.python_wanted(), __version__),
        *([machine.ports(seen, running=place.running)] if seen else []),
        *map(machine.disk, facts.disks(place.directory)),
        machine.memory(facts.memory_available(), running=place.running),
        machine.clock_kept(facts.clock_kept()),
    ]


async def _docker() -> list[Finding]:
    try:
        seen = await asyncio.wait_for(facts.docker(), SECONDS)
    except TimeoutError:
        seen = machine.Docker(client=True)
    return [machine.docker(seen)]


async def _postgres(place: Place) -> list[Finding]:
    if not place.dsn:
        return [ok("postgres", NOT_HERE)]
    where = place_of(place.dsn) or "RELEVO_POSTGRES_DSN"
    try:
        session = await asking_postgres.reach(place)
    except (OSError, asyncpg.PostgresError) as error:
        return [wrong("postgres", f"{where}: {in_words(error)}", _AWAY)]
    except (ValueError, asyncpg.InterfaceError):
        # What they say may quote a part of the password.
        return [wrong("postgres", "RELEVO_POSTGRES_DSN cannot be read", "postgresql://… is wanted")]
    try:
        return [
            ok("postgres", where),
            await asking_postgres.clock(session),
            await asking_postgres.schemas(session, place.services),
            await asking_postgres.grants(session, place.services),
        ]
    except (OSError, asyncpg.PostgresError) as error:
        return [wrong("postgres", f"{where}: {in_words(error)}", "its log tells why")]
    finally:
        session.terminate()


async def _roles(place: Place) -> list[Finding]:
    if not place.dsn:
        return []
    try:
        return [await asking_postgres.log_ins(place, place.services)]
    except (ValueError, asyncpg.InterfaceError):  # the DSN, as above
        return []


async def _kafka(place: Place) -> list[Finding]:
    if not place.kafka:
        return [ok("kafka", NOT_HERE)]
    try:
        async with asking_kafka.reach(place) as admin:
            return [
                ok("kafka", place.kafka),
                await asking_kafka.topics(admin, place.prefix),
                *await asking_kafka.lag(admin, place),
            ]
    except (OSError, ValueError, KafkaError) as error:
        return [wrong("kafka", f"{place.kafka}: {in_words(error)}", _AWAY)]


async def _mail(place: Place) -> list[Finding]:
    return [await services_and_mail.mail(place)]
