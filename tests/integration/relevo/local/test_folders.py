"""Who else may look at a run folder: nobody, an old one and Postgres' own data included."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from relevo.local.engines import EngineError, Postgres

pytestmark = pytest.mark.engines
_OTHERS = 0o007


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    engine = Postgres(tmp_path / "run")
    try:
        yield engine
    finally:
        engine.remove()


def _data(postgres: Postgres) -> Path:
    return Path(postgres.marker())


async def test_a_run_folder_of_before_is_closed_to_others(postgres: Postgres) -> None:
    postgres.directory.mkdir(mode=0o755)
    postgres.start()
    assert postgres.directory.stat().st_mode & 0o777 == 0o700
    assert _data(postgres).stat().st_mode & 0o777 == 0o700
    assert not _data(postgres).parent.stat().st_mode & _OTHERS
    postgres.remove()
    assert not postgres.directory.exists()
    assert not _data(postgres).exists()
    assert os.geteuid() != 0 or not _data(postgres).parent.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's data lies outside of the run folder")
async def test_data_that_an_earlier_version_kept_inside_goes_on(postgres: Postgres) -> None:
    postgres.start()
    session = await asyncpg.connect(postgres.dsn("postgres"))
    await session.execute("CREATE TABLE kept AS SELECT 1 AS value")
    await session.close()
    postgres.stop()
    inside = postgres.directory / "postgres-data"
    shutil.move(_data(postgres), inside)
    os.chown(inside, 65534, 65534)
    postgres.directory.chmod(0o755)

    postgres.start()
    session = await asyncpg.connect(postgres.dsn("postgres"))
    assert await session.fetchval("SELECT value FROM kept") == 1
    await session.close()
    assert not inside.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's data lies outside of the run folder")
def test_data_in_both_places_is_left_to_its_owner_to_choose(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    inside = postgres.directory / "postgres-data"
    inside.mkdir()
    with pytest.raises(EngineError, match="remove one of them"):
        postgres.start()
    assert inside.exists()
    assert _data(postgres).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's data lies outside of the run folder")
def test_a_folder_that_somebody_else_made_is_not_used(postgres: Postgres) -> None:
    _data(postgres).parent.mkdir()
    os.chown(_data(postgres).parent, 65534, 65534)
    with pytest.raises(EngineError, match="belongs to somebody else"):
        postgres.start()


def test_a_folder_for_everybody_is_no_run_folder_and_stays_as_it_is(postgres: Postgres) -> None:
    postgres.directory.mkdir()
    postgres.directory.chmod(0o1777)
    with pytest.raises(EngineError, match="a folder of its own"):
        postgres.start()
    assert postgres.directory.stat().st_mode & 0o7777 == 0o1777
