"""`python -m services.webhooks`."""

import resource

from services.webhooks.main import create_app
from services.webhooks.settings import Settings
from shared.process import serve


def _allow_many_sockets() -> None:
    """Each attempt under way holds a socket; the usual soft limit of 1,024 is too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    _allow_many_sockets()
    settings = Settings()
    serve(lambda: create_app(settings), settings, "webhooks")
