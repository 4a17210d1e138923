"""The linter of queries: it finds what it is there for, and nothing in the services as they are."""

from pathlib import Path

import pytest

from tools import problems, queries

TABLES = "CREATE TABLE demo.orders (id uuid, brand_id uuid);"
STORE = "_queries = ...\nasync def f(): await _queries.orders_of.all(session)\n"


def a_service(folder: Path, sql: str, store: str = STORE) -> Path:
    versions = folder / "demo" / "sql" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "0001.py").write_text(f'"""{TABLES}"""')
    (folder / "demo" / "sql" / "queries.sql").write_text(sql)
    (folder / "demo" / "store.py").write_text(store)
    return folder


@pytest.mark.parametrize(
    "where",
    [
        "WHERE brand_id = :account",
        "WHERE :account IN (brand_id, three_pl_id)",
        "WHERE o.three_pl_id = :three_pl_id AND id > :after",
    ],
)
def test_a_query_that_filters_by_its_tenant_passes(tmp_path: Path, where: str) -> None:
    sql = f"-- name: orders_of\nSELECT * FROM orders o {where};\n"
    assert list(queries.flaws(a_service(tmp_path, sql))) == []


def test_a_query_without_the_filter_is_found(tmp_path: Path) -> None:
    sql = "-- name: orders_of\n-- brand_id = :account, in a comment\nSELECT * FROM orders;\n"
    (flaw,) = queries.flaws(a_service(tmp_path, sql))
    assert "orders_of reads a tenant's table without its filter" in flaw


def test_a_query_that_says_why_it_needs_none_passes(tmp_path: Path) -> None:
    sql = "-- name: orders_of\n-- tenants: all; the sweep\nSELECT * FROM orders;\n"
    assert list(queries.flaws(a_service(tmp_path, sql))) == []


def test_queries_that_nobody_calls_or_that_are_not_there_are_found(tmp_path: Path) -> None:
    sql = "-- name: unused^\nSELECT 1;\n"
    unused, missing = queries.flaws(a_service(tmp_path, sql))
    assert "unused is called by nobody" in unused
    assert "there is no query 'orders_of'" in missing


def test_a_query_that_is_called_as_another_kind_is_found(tmp_path: Path) -> None:
    sql = "-- name: orders_of!\nDELETE FROM orders WHERE brand_id = :account;\n"
    (flaw,) = queries.flaws(a_service(tmp_path, sql))
    assert "ends with '!' but is called with `.all()`" in flaw


def test_a_refusal_that_nobody_could_be_told_of_is_found(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    folder = tmp_path / "services"
    folder.mkdir()
    (folder / "x.py").write_text(
        'raise Refused("novel")\nraise Refused("not_found")\nraise Refused("not_found", what="x")\n'
    )
    assert list(problems.flaws(tmp_path)) == [
        "services/x.py:1: 'novel' is not in the catalogue",
        "services/x.py:2: 'not_found' needs what",
    ]


def test_the_house_is_in_order() -> None:
    assert [*queries.flaws(), *problems.flaws()] == []
