"""What the pages say can be copied: each block has a language, and what cannot be run a reason."""

import ast
import json
import re
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from services.catalog import NAMES
from tests.kit.blocks import PAGES, ROOT, Block, blocks_of, links_of, name_of

LANGUAGES = {"sh", "json", "python", "sql", "env", "text"}
_CI = ".ci/run runs it"
REASONS = {"docker", "interactive", _CI}
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
_SETTING = re.compile(r"RELEVO_[A-Z_]*[A-Z]")


def of_language(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def settings() -> set[str]:
    """Every name that a service reads, or that the compose file does."""
    found = set(_SETTING.findall((ROOT / "docker-compose.yml").read_text()))
    for name in NAMES:
        fields = import_module(f"services.{name}.settings").Settings.model_fields
        found |= {f"RELEVO_{field.upper()}" for field in fields}
    return found


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_has_a_language_and_what_is_not_run_a_reason(block: Block) -> None:
    assert block.language in LANGUAGES
    assert not block.note or (block.language == "sh" and block.reason in REASONS)


@pytest.mark.parametrize("block", of_language("sh"), ids=lambda block: block.place)
def test_what_a_shell_is_to_do_is_a_shells_language(block: Block) -> None:
    said = subprocess.run(
        ["/bin/bash", "-n", "-c", block.content], capture_output=True, check=False, text=True
    )
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.reason == _CI], ids=lambda block: block.place
)
def test_what_ci_is_said_to_run_it_runs(block: Block) -> None:
    run = (ROOT / ".ci" / "run").read_text()
    for line in block.content.splitlines():
        command = line.partition("#")[0].strip()
        assert re.search(rf"step \S+ {re.escape(command)}\b", run), command


@pytest.mark.parametrize("block", of_language("json"), ids=lambda block: block.place)
def test_json_is_json(block: Block) -> None:
    assert isinstance(json.loads(block.content), dict)


@pytest.mark.parametrize("block", of_language("python"), ids=lambda block: block.place)
def test_python_compiles(block: Block) -> None:
    assert ast.parse(block.content).body


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_setting_that_a_page_names_is_one(page: Path) -> None:
    assert set(_SETTING.findall(page.read_text())) <= settings()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    assert [link for link in links_of(page) if not (page.parent / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_beside_no_stack_the_guides_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    said = subprocess.run(
        ["/bin/bash", "-c", ". examples/connected.sh"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
    )
    told = "nothing runs from this folder: `make up` first\n"
    assert (said.returncode, said.stdout, said.stderr) == (1, "", told)
