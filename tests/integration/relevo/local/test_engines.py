"""The embedded engines: what they keep, what they leave, and when they end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from relevo.local import engines, packages
from relevo.local.engines import Engine, EngineError, Kafka, Postgres
from relevo.operate import topics
from relevo.waiting import wait_for

pytestmark = pytest.mark.engines
_ROOT = Path(__file__).parents[4]
_TOPIC = "orders.received"

_PARENT = """
import json, sys, time
from pathlib import Path
from relevo.local.engines import Kafka, Postgres

kafka, postgres = Kafka(Path(sys.argv[1])), Postgres(Path(sys.argv[1]))
kafka.launch(), postgres.start(), kafka.wait()
print(json.dumps([kafka.pid, postgres.pid]), flush=True)
time.sleep(600)
"""


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    engine = Postgres(tmp_path / "postgres")
    try:
        yield engine
    finally:
        engine.remove()


async def _write(postgres: Postgres, value: int) -> None:
    session = await asyncpg.connect(postgres.dsn("postgres"))
    await session.execute("CREATE TABLE IF NOT EXISTS kept (value integer)")
    await session.execute("INSERT INTO kept VALUES ($1)", value)
    await session.close()


async def _kept(postgres: Postgres) -> list[int]:
    session = await asyncpg.connect(postgres.dsn("postgres"))
    rows = await session.fetch("SELECT value FROM kept ORDER BY value")
    await session.close()
    return [row["value"] for row in rows]


async def _produce(kafka: Kafka, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.address, acks="all")
    await producer.start()
    await producer.send_and_wait(_TOPIC, value, partition=0)
    await producer.stop()


async def _log(kafka: Kafka, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.address, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(_TOPIC, 0)])
    found = [(await consumer.getone()).value for _ in range(count)]
    await consumer.stop()
    return found


async def test_postgres_keeps_its_commits_and_port_over_a_stop_and_a_crash(
    postgres: Postgres,
) -> None:
    postgres.start()
    address = postgres.address
    await _write(postgres, 1)
    postgres.restart()
    await _write(postgres, 2)
    postgres.kill()
    # Ready means that sessions are taken at once, crash recovery included.
    postgres.start()
    assert await _kept(postgres) == [1, 2]
    assert postgres.address == address


async def test_kafka_keeps_what_it_acknowledged_and_its_port_over_a_stop_and_a_crash(
    private_kafka: Kafka,
) -> None:
    address = private_kafka.address
    await topics.create(private_kafka.address, partitions=1)
    await _produce(private_kafka, b"before the stop")
    private_kafka.restart()
    await _produce(private_kafka, b"before the crash")
    private_kafka.kill()
    private_kafka.start()
    assert await _log(private_kafka, 2) == [b"before the stop", b"before the crash"]
    assert private_kafka.address == address


async def test_kafka_makes_no_topic_by_itself(private_kafka: Kafka) -> None:
    assert await topics.create(private_kafka.address) != []
    assert await topics.create(private_kafka.address) == []


async def test_postgres_is_durable_and_has_statistics(postgres: Postgres) -> None:
    postgres.start()
    session = await asyncpg.connect(postgres.dsn("postgres"))
    settings = {
        name: await session.fetchval("SELECT current_setting($1)", name)
        for name in ("fsync", "synchronous_commit", "full_page_writes", "jit")
    }
    await session.execute("CREATE EXTENSION pg_stat_statements")
    await session.close()
    assert settings == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "jit": "off",
    }


async def test_postgres_refuses_a_wrong_password_and_hides_the_right_one(
    postgres: Postgres,
) -> None:
    postgres.start()
    assert (postgres.directory / "postgres.password").stat().st_mode & 0o777 == 0o600
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn("postgres").replace(postgres.password, "guess"))


async def test_a_run_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "Bestellungen, für Müller = 1"
    engines: list[Engine] = [Kafka(folder), Postgres(folder)]
    try:
        for engine in engines:
            engine.start()
        assert all(engine.serving() for engine in engines)
    finally:
        for engine in engines:
            engine.remove()


def test_engines_die_with_a_killed_parent_and_their_leftovers_are_no_obstacle(
    tmp_path: Path,
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
    assert parent.stdout is not None
    pids = json.loads(parent.stdout.readline())
    parent.stdout.close()
    parent.send_signal(signal.SIGKILL)
    parent.wait(10)
    if sys.platform == "linux":
        assert wait_for(lambda: not any(map(psutil.pid_exists, pids)), 10)

    engines: list[Engine] = [Kafka(tmp_path), Postgres(tmp_path)]
    try:
        for engine in engines:
            engine.start()
        assert all(engine.serving() for engine in engines)
    finally:
        for engine in engines:
            engine.remove()


def test_a_leftover_that_still_runs_is_ended_before_its_data_is_used(postgres: Postgres) -> None:
    postgres.start()
    leftover = psutil.Process(postgres.pid)
    after_a_crash = Postgres(postgres.directory)
    try:
        after_a_crash.start()
        # Its first parent is still here: to be seen as gone it has to be reaped.
        assert postgres.pid == 0
        assert not leftover.is_running()
        assert after_a_crash.serving()
    finally:
        after_a_crash.stop()


def test_a_pid_that_now_belongs_to_somebody_else_is_left_alone(postgres: Postgres) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        postgres.directory.mkdir()
        (postgres.directory / "postgres.pid").write_text(str(stranger.pid))
        postgres.start()
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_an_engine_that_does_not_start_says_why(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    version = Path(postgres.marker()) / "PG_VERSION"
    version.write_text("9\n")
    with pytest.raises(EngineError, match="not compatible"):
        postgres.start()


def test_an_initdb_that_was_cut_off_is_begun_anew(postgres: Postgres) -> None:
    begun = Path(f"{postgres.marker()}.begun")
    begun.mkdir(parents=True)
    (begun / "PG_VERSION").write_text("18\n")
    postgres.start()
    assert postgres.serving()
    assert not begun.exists()


def test_a_removed_postgres_leaves_no_shared_memory(postgres: Postgres) -> None:
    postgres.start()
    mapped = [one.path for one in psutil.Process(postgres.pid).memory_maps()]
    shared = [Path(path) for path in mapped if "/PostgreSQL." in path]
    postgres.remove()
    assert shared
    assert not any(path.exists() for path in shared)


def test_an_engine_runs_once(postgres: Postgres) -> None:
    postgres.start()
    with pytest.raises(EngineError, match="runs already"):
        postgres.start()
    assert postgres.serving()


@pytest.mark.timeout(180)
def test_a_run_that_learns_makes_the_next_starts_faster_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "kafka.aot"
    monkeypatch.setattr(engines, "kafka_start_cache", lambda: cache)
    monkeypatch.setattr(packages, "kafka_start_cache", lambda: cache)
    kafka = Kafka(tmp_path / "first", learns=True)
    try:
        kafka.start()
        kafka.kill()
        assert not cache.exists(), "a killed one leaves half of it"
        kafka.start()
        kafka.stop()
        assert cache.exists()
        assert not list(kafka.directory.glob("kafka.aot*"))
        kafka.start()
        assert f"-XX:AOTCache={cache}" in psutil.Process(kafka.pid).cmdline()
    finally:
        kafka.remove()
