"""Fixtures: real engines, a database and topics of its own for each test.

The embedded pair is started once per run, by the first test that asks, and shared by all workers;
`RELEVO_TEST_KAFKA` and `RELEVO_TEST_POSTGRES` point the suite at other engines.
"""

import asyncio
import gc
import os
import secrets as random
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from aiokafka.admin import AIOKafkaAdminClient
from xdist.remote import Producer

from relevo.local.engines import Kafka, Postgres
from relevo.local.processes import end_with_parent
from relevo.operate import secrets, topics
from relevo.operate.migrations import migrate
from tests.kit.engines import Addresses, administer, copy_of, shared_engines, stop_shared_engines
from tests.kit.memory import keep_files_in_memory
from tests.kit.sharing_out import ByStack
from tests.kit.timetable import Timetable

_PARTITIONS = 3

keep_files_in_memory()

# As structlog is without configuration, but for the tracebacks: with Rich, which is installed here,
# each shows every local variable and takes a second.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)


def pytest_configure(config: pytest.Config) -> None:
    """The controller (or the only process) tells what was started and how long it took.

    Whoever is killed takes what it started along: make the controller, this one its workers.
    """
    if hasattr(config, "workerinput"):
        end_with_parent(signal.SIGKILL)
        return
    config.pluginmanager.register(Timetable(config))
    if "MAKELEVEL" in os.environ:
        end_with_parent(signal.SIGTERM)


@pytest.fixture(autouse=True)
def no_task_fails_unseen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test fails with a task that died and that nobody asked about.

    asyncio only logs such a task once it is collected, and a test would pass over it.
    """
    failed: list[str] = []

    def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failed.append(f"{context['message']}: {context.get('exception')!r}")

    monkeypatch.setattr(asyncio.BaseEventLoop, "default_exception_handler", note)
    yield
    # The youngest generations: what this test made.
    gc.collect(1)
    assert failed == []


# What takes a minute, and what starts stacks of its own.
_LONG = ("tests/acceptance/", "tests/integration/relevo/local/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first: else the run ends with one of them, and an idle worker.

    And folder by folder, for those of a folder may share a stack.
    """
    items.sort(key=lambda item: (not item.nodeid.startswith(_LONG), _folder_of_stack(item)))


def _folder_of_stack(item: pytest.Item) -> str:
    return str(item.path.parent) if item.nodeid.startswith(_LONG) else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByStack | None:
    """How `make test` shares the tests out."""
    return ByStack(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The controller (or the only process) ends the engines that the run started."""
    if not hasattr(session.config, "workerinput"):
        stop_shared_engines()


@pytest.fixture(scope="session")
def engines() -> Addresses:
    """Addresses of Kafka and Postgres, and the name of a migrated template database."""
    return shared_engines()


@pytest.fixture(scope="session")
def installation_secrets() -> dict[str, str]:
    """Keys that all services of a test share."""
    return secrets.generate()


@pytest.fixture
def kafka(engines: Addresses) -> str:
    """Bootstrap servers."""
    return engines.kafka


@pytest.fixture
async def postgres_dsn(engines: Addresses) -> AsyncIterator[str]:
    """A migrated database of its own."""
    name = f"test_{random.token_hex(6)}"
    await administer(engines, copy_of(engines.template, name))
    yield engines.dsn(name)
    await administer(engines, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def topic_prefix(kafka: str) -> AsyncIterator[str]:
    """Topics of its own: every name of `shared.kafka.topics.TOPICS` behind this prefix."""
    prefix = f"t{random.token_hex(6)}."
    created = await topics.create(kafka, prefix, partitions=_PARTITIONS)
    yield prefix
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_topics(created)
    await admin.close()


@pytest.fixture
def service_environment(
    postgres_dsn: str,
    kafka: str,
    topic_prefix: str,
    installation_secrets: dict[str, str],
    tmp_path: Path,
) -> dict[str, str]:
    """The environment that a service of this test reads its settings from."""
    return {
        **{k: v for k, v in installation_secrets.items() if k.startswith("RELEVO_")},
        "RELEVO_FULFILMENT_OPERATOR_KEY": installation_secrets["RELEVO_CONNECTIONS_OPERATOR_KEY"],
        "RELEVO_POSTGRES_DSN": postgres_dsn,
        "RELEVO_KAFKA": kafka,
        "RELEVO_TOPIC_PREFIX": topic_prefix,
        "RELEVO_WEBHOOKS_ALLOWED_NETWORKS": '["127.0.0.0/8","::1/128"]',
        "RELEVO_WEBHOOKS_ALLOW_HTTP": "true",
        "RELEVO_CONNECTIONS_MAIL_FOLDER": str(tmp_path / "mail"),
    }


@pytest.fixture
def service_settings(
    service_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The same, set in this process: `Settings()` of any service reads it."""
    for name, value in service_environment.items():
        monkeypatch.setenv(name, value)
    return service_environment


@pytest.fixture
def private_kafka(tmp_path: Path) -> Iterator[Kafka]:
    """A Kafka that the test may stop, kill and start; topics are the test's to create."""
    engine = Kafka(tmp_path / "kafka")
    try:
        engine.start()
        yield engine
    finally:
        engine.remove()


@pytest.fixture
def private_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A Postgres with a migrated database `relevo` that the test may stop, kill and start."""
    engine = Postgres(tmp_path / "postgres")
    try:
        engine.start()
        asyncio.run(_prepare(engine))
        yield engine
    finally:
        engine.remove()


async def _prepare(engine: Postgres) -> None:
    admin = await asyncpg.connect(engine.dsn("postgres"))
    await admin.execute("CREATE DATABASE relevo")
    await admin.close()
    await migrate(engine.dsn())
