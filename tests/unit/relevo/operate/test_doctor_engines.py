"""What doctor makes of both engines: clock, schemas, roles, grants, topics, lag."""

from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import services
from relevo.operate.doctor import database, log
from relevo.operate.doctor.database import Grants, Table
from relevo.operate.doctor.finding import Finding, Verdict
from relevo.operate.doctor.log import Seen
from relevo.operate.revisions import revisions
from services.catalog import NAMES
from shared.kafka.topics import TOPICS, topic_configs

OK, WARNING, WRONG = Verdict.OK, Verdict.WARNING, Verdict.WRONG


def said(finding: Finding) -> tuple[Verdict, str]:
    """As in `test_doctor.py`."""
    assert bool(finding.remedy) == (finding.verdict is not OK)
    return finding.verdict, finding.found


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (-2.0, (OK, "-2.0 s against ours")),
        (2.1, (WARNING, "+2.1 s against ours")),
        (-30.1, (WRONG, "-30.1 s against ours")),
    ],
)
def test_the_clock_of_postgres(ahead: float, expected: tuple[Verdict, str]) -> None:
    assert said(database.clock(ahead)) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ({"ingest": "0002", "routing": "0003"}, (OK, "all 2 at the newest revision")),
        (
            {"ingest": "0001", "routing": "0003"},
            (WRONG, "behind: ingest at 0001 of 0002"),
        ),
        ({"ingest": "0002"}, (WRONG, "behind: routing is not there")),
        (
            {"ingest": "0009", "routing": "0003"},
            (WARNING, "newer than this program: ingest at 0009"),
        ),
        ({"ingest": "0009"}, (WRONG, "behind: routing is not there")),
    ],
)
def test_schemas_are_at_the_newest_revision(
    at: dict[str, str], expected: tuple[Verdict, str]
) -> None:
    known = frozenset({"ingest 0001", "ingest 0002", "routing 0003"})
    assert said(database.schemas(at, {"ingest": "0002", "routing": "0003"}, known)) == expected


@pytest.mark.parametrize("service", NAMES)
def test_the_files_of_revisions_are_named_as_alembic_knows_them(service: str) -> None:
    config = Config()
    home = Path(services.__file__).parent / service / "sql" / "migrations"
    config.set_main_option("script_location", str(home))
    config.set_main_option("path_separator", "os")
    steps = ScriptDirectory.from_config(config).walk_revisions()
    assert [step.revision for step in steps] == revisions(service)[::-1]


def test_roles_log_in() -> None:
    assert said(database.log_ins({"ingest": "", "routing": ""})) == (OK, "all 2 log in")
    some = database.log_ins({"ingest": "", "routing": None})
    assert said(some) == (OK, "1 of 2 log in; no password of the others is here")
    refused = database.log_ins({"ingest": "", "routing": "refused"})
    assert said(refused) == (WRONG, "relevo_routing: refused")


_FULL = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
_ADDING = frozenset({"SELECT", "INSERT"})


@pytest.mark.parametrize(
    ("table", "flaw"),
    [
        (Table("routing", "orders", _FULL, frozenset({"id"})), ""),
        (Table("routing", "settings", _ADDING), ""),
        (Table("routing", "alembic_version", frozenset()), ""),
        (Table("webhooks", "attempts", _ADDING, frozenset({"response_head", "url"})), ""),
        (
            Table("routing", "orders", _FULL - {"DELETE"}),
            "relevo_routing lacks DELETE on routing.orders",
        ),
        (
            Table("routing", "settings", _ADDING | {"UPDATE"}),
            "relevo_routing has UPDATE on routing.settings",
        ),
        (
            Table("webhooks", "attempts", _ADDING, frozenset({"url", "id"})),
            "relevo_webhooks may update id, url of webhooks.attempts",
        ),
        (
            Table("routing", "alembic_version", frozenset({"SELECT"})),
            "relevo_routing has SELECT on routing.alembic_version",
        ),
    ],
)
def test_a_role_may_what_it_has_to_and_no_more(table: Table, flaw: str) -> None:
    found = said(database.grants(Grants((table,), {table.schema: frozenset({table.schema})})))
    assert found == ((WRONG, flaw) if flaw else (OK, "as they have to be, on 1 tables"))


def test_a_role_enters_its_own_schema_alone() -> None:
    seen = Grants((), {"ingest": frozenset(), "routing": frozenset({"routing", "ingest"})})
    flaws = "relevo_ingest may not use schema ingest, relevo_ingest may use schema routing"
    assert said(database.grants(seen)) == (WRONG, flaws)


def test_a_role_may_use_the_sequences_and_functions_of_its_schema() -> None:
    lacks = (("routing", "USAGE", "outbox_id_seq"), ("routing", "EXECUTE", "standing_holds()"))
    flaws = (
        "relevo_routing lacks USAGE on routing.outbox_id_seq, "
        "relevo_routing lacks EXECUTE on routing.standing_holds()"
    )
    assert said(database.grants(Grants((), {}, lacks))) == (WRONG, flaws)


def as_made(replication: int = 1) -> dict[str, Seen]:
    counts = {topic.name: topic.partitions or 12 for topic in TOPICS}
    return {
        name: Seen(counts.get(name, 1), replication, configs)
        for name, configs in topic_configs(replication).items()
    }


@pytest.mark.parametrize("replication", [1, 3])
def test_topics_are_as_they_were_made(replication: int) -> None:
    assert said(log.topics(as_made(replication))) == (OK, "all 16 are there, as they have to be")


@pytest.mark.parametrize(
    ("name", "partitions", "config", "expected"),
    [
        ("signing-keys.changed", 2, {}, (WRONG, "signing-keys.changed has 2 partitions, not 1")),
        ("notices", 3, {}, (WARNING, "notices has 3 partitions, others 12")),
        (
            "notices",
            12,
            {"cleanup.policy": "compact"},
            (WRONG, "notices has cleanup.policy=compact, not delete"),
        ),
        (
            "notices",
            12,
            {"max.message.bytes": "1000"},
            (WRONG, "notices has max.message.bytes=1000, not 8388608"),
        ),
        ("notices", 12, {"retention.ms": "-1"}, (OK, "all 16 are there, as they have to be")),
        (
            "notices",
            12,
            {"max.message.bytes": "99999999"},
            (OK, "all 16 are there, as they have to be"),
        ),
    ],
)
def test_topics_that_somebody_changed(
    name: str, partitions: int, config: dict[str, str], expected: tuple[Verdict, str]
) -> None:
    seen = as_made()
    seen[name] = Seen(partitions, 1, {**seen[name].configs, **config})
    assert said(log.topics(seen)) == expected


def test_topics_that_are_missing_are_named() -> None:
    seen = as_made()
    del seen["orders.events.dlq"]
    assert said(log.topics(seen)) == (WRONG, "missing: orders.events.dlq")


def test_lag_is_a_figure() -> None:
    (found,) = log.lag({"routing-orders": 1234})
    assert (found.name, said(found)) == ("lag of routing-orders", (OK, "1,234 records"))
    assert [said(one) for one in log.lag({})] == [(OK, "nobody has read anything yet")]
