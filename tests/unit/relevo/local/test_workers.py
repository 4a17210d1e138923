from relevo.local.workers import process_names, service_of
from services import catalog


def test_only_what_an_order_passes_through_has_more_processes() -> None:
    assert process_names(("connections", "routing"), 1) == ("connections", "routing")
    names = process_names(("connections", "ingest", "routing"), 3)
    assert names == (
        "connections", "ingest", "routing", "ingest-2", "ingest-3", "routing-2", "routing-3",
    )  # fmt: skip
    assert [service_of(name) for name in names[2:]] == [
        "routing", "ingest", "ingest", "routing", "routing",
    ]  # fmt: skip


def test_no_service_is_taken_for_a_further_process_of_another() -> None:
    assert [service_of(name) for name in catalog.NAMES] == list(catalog.NAMES)
