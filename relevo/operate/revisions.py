"""Which revisions each schema has, by the names of their files: Alembic takes seconds to load."""

from pathlib import Path

import services

_HOME = Path(services.__file__).parent


def revisions(service: str) -> list[str]:
    """Those of its schema, oldest first: a file is `0006_sealed_urls.py`."""
    files = (_HOME / service / "sql" / "migrations" / "versions").glob("[0-9]*_*.py")
    return sorted(file.name.partition("_")[0] for file in files)
