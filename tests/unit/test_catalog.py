"""The catalogue against what there really is."""

from pathlib import Path

import pytest

from services import catalog
from services.ingest.platforms import load_platforms
from shared.kafka.topics import TOPICS

ROOT = Path(__file__).parents[2]


def test_every_service_is_a_folder_and_every_folder_a_service() -> None:
    folders = {path.parent.name for path in (ROOT / "services").glob("*/main.py")}
    assert folders == set(catalog.NAMES)


def test_every_platform_with_webhooks_is_a_folder_and_every_folder_a_platform() -> None:
    folders = {
        path.parent.name for path in (ROOT / "services/ingest/platforms").glob("*/__init__.py")
    }
    assert folders == set(catalog.WEBHOOK_PLATFORMS) == set(load_platforms())


def test_names_and_ports_are_used_once() -> None:
    assert len(set(catalog.PORTS.values())) == len(catalog.SERVICES) == len(set(catalog.NAMES))


def test_topics_are_those_that_there_are_and_each_has_one_writer_and_a_reader() -> None:
    topics = {topic.name for topic in TOPICS}
    written = [name for service in catalog.SERVICES for name in service.writes]
    read = {name for service in catalog.SERVICES for name in service.reads}
    assert sorted(written) == sorted(topics)
    assert read == topics


@pytest.mark.parametrize("service", catalog.SERVICES, ids=lambda service: service.name)
def test_a_service_declares_handlers_for_what_it_reads(service: catalog.Service) -> None:
    handlers = ROOT / "services" / service.name / "handlers.py"
    declared = {
        topic.name
        for topic in TOPICS
        if handlers.exists()
        and topic.name.upper().replace(".", "_") in handlers.read_text().split("def subscribe")[1]
    }
    assert declared == set(service.reads)
