"""More than one process of a service, each with an address of its own."""

from collections.abc import Sequence

# Those that an order passes through. They share its topics' partitions out among them; whatever
# only one may do at a time (relay, sweep, claims of deliveries) is agreed on in PostgreSQL.
SCALED = ("ingest", "routing", "webhooks")


def process_names(services: Sequence[str], workers: int) -> tuple[str, ...]:
    """What the processes are called: a service's first has its name, the next is `routing-2`."""
    more = (
        f"{name}-{number}"
        for name in services
        if name in SCALED
        for number in range(2, workers + 1)
    )
    return (*services, *more)


def service_of(process: str) -> str:
    """Which service a process is of."""
    return process.partition("-")[0]
