"""`relevo doctor` beside real engines: all well, then broken piece by piece."""

from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from relevo.operate import secrets
from relevo.operate.doctor.examining import examine
from relevo.operate.doctor.finding import Finding, Verdict
from relevo.operate.doctor.place import Place, find
from relevo.operate.revisions import revisions
from relevo.operate.roles import dsn_of
from services.catalog import NAMES
from tests.kit.engines import ROLE_PASSWORDS
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
LOOKED_AT = (
    "postgres", "clock of Postgres", "schemas", "grants", "roles", "kafka", "topics", "lag",
    "secrets file", "secrets", "sealing keys", "token keys",
)  # fmt: skip
# Of a machine that is busy.
_SECONDS = 60.0


@pytest.fixture
def place(tmp_path: Path, postgres_dsn: str, kafka: str, topic_prefix: str) -> Place:
    passwords = {f"POSTGRES_{name.upper()}_PASSWORD": ROLE_PASSWORDS[name] for name in NAMES}
    secrets.write(tmp_path / "secrets.env", {**secrets.generate(), **passwords})
    environment = {
        "RELEVO_POSTGRES_DSN": postgres_dsn,
        "RELEVO_KAFKA": kafka,
        "RELEVO_TOPIC_PREFIX": topic_prefix,
    }
    return find(tmp_path, environment, None)


async def looked_at(place: Place) -> dict[str, Finding]:
    """What is asked of engines and secrets, by name; no secret is in any of it."""
    found = await examine(place, _SECONDS)
    for name in (*secrets.generate(), "RELEVO_POSTGRES_DSN"):
        assert place.values.get(name, "-") not in str(found), name
    return {finding.name: finding for finding in found if finding.name in LOOKED_AT}


def faults(found: dict[str, Finding]) -> dict[str, str]:
    return {name: one.found for name, one in found.items() if one.verdict is not Verdict.OK}


async def named_by_kafka(place: Place) -> dict[str, str]:
    """The faults, once the broker's metadata has the change: that follows its answer."""

    async def look() -> dict[str, str]:
        return faults(await looked_at(place))

    return await eventually(look, lambda found: "topics" in found)


async def execute(dsn: str, statement: str) -> None:
    session = await asyncpg.connect(dsn)
    await session.execute(statement)
    await session.close()


async def test_what_is_well_is_well(place: Place) -> None:
    found = await looked_at(place)
    assert tuple(found) == LOOKED_AT
    assert faults(found) == {}
    assert found["roles"].found == f"all {len(NAMES)} log in"
    assert found["kafka"].found == place.kafka


async def test_what_is_broken_is_named(place: Place) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=place.kafka)
    await admin.start()
    await admin.delete_topics([f"{place.prefix}notices"])
    await admin.close()
    await execute(place.dsn, "REVOKE INSERT ON routing.orders FROM relevo_routing")
    await execute(place.dsn, "REVOKE USAGE ON SEQUENCE routing.outbox_id_seq FROM relevo_routing")
    standing = "FUNCTION routing.standing_holds(uuid)"
    await execute(place.dsn, f"REVOKE EXECUTE ON {standing} FROM relevo_routing, public")
    await execute(place.dsn, "GRANT USAGE ON SCHEMA ingest TO relevo_webhooks")
    await execute(place.dsn, "UPDATE ingest.alembic_version SET version_num = '0001'")
    (place.directory / "secrets.env").chmod(0o644)
    assert await named_by_kafka(place) == {
        "schemas": f"behind: ingest at 0001 of {revisions('ingest')[-1]}",
        "grants": "relevo_webhooks may use schema ingest, "
        "relevo_routing lacks INSERT on routing.orders, "
        "relevo_routing lacks EXECUTE on routing.standing_holds(), "
        "relevo_routing lacks USAGE on routing.outbox_id_seq",
        "topics": "missing: notices",
        "secrets file": f"{place.secrets_file}: 0644",
    }


async def test_partitions_that_somebody_added_are_named(place: Place) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=place.kafka)
    await admin.start()
    await admin.create_partitions({f"{place.prefix}signing-keys.changed": NewPartitions(2)})
    await admin.close()
    assert await named_by_kafka(place) == {"topics": "signing-keys.changed has 2 partitions, not 1"}


async def test_a_role_that_has_another_password_is_named(place: Place) -> None:
    wrong = {**place.values, "POSTGRES_INGEST_PASSWORD": "another"}
    elsewhere = find(place.directory, wrong, None)
    assert faults(await looked_at(elsewhere)) == {"roles": "relevo_ingest: refused"}


async def test_a_service_sees_of_the_database_what_it_may(place: Place) -> None:
    own = dsn_of("routing", place.dsn, ROLE_PASSWORDS["routing"])
    values = {**place.values, "RELEVO_POSTGRES_DSN": own}
    found = await looked_at(find(place.directory, values, None))
    assert faults(found) == {"schemas": "their revisions cannot be seen by this role"}


async def test_engines_that_are_away_take_nothing_else_with_them(place: Place) -> None:
    away = {
        **place.values,
        "RELEVO_POSTGRES_DSN": "postgresql://owner:hidden@127.0.0.1:9/relevo",
        "RELEVO_KAFKA": "127.0.0.1:9",
    }
    found = await looked_at(find(place.directory, away, None))
    assert faults(found) == {
        "postgres": "127.0.0.1:9: connection refused",
        "kafka": "127.0.0.1:9: no broker answers",
    }
    assert "sealing keys" in found
