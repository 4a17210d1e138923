"""The catalogue against what there really is."""

import re
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


def test_topics_are_those_that_there_are_and_each_has_a_writer_and_a_reader() -> None:
    topics = {topic.name for topic in TOPICS}
    written = {name for service in catalog.SERVICES for name in service.writes}
    read = {name for service in catalog.SERVICES for name in service.reads}
    assert written == read | set(catalog.READ_BY_ALL) == topics


@pytest.mark.parametrize("service", catalog.SERVICES, ids=lambda service: service.name)
def test_docker_compose_runs_it_on_its_port(service: catalog.Service) -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    block = re.search(rf"^  {service.name}:\n((?:    .*\n|\n)+)", compose, re.MULTILINE)
    assert block, (
        f"docker-compose.yml has no service {service.name}; see docs/howto/add-a-service.md"
    )
    assert f"command: [python, -m, {service.module}]" in block[1]
    assert f'RELEVO_PORT: "{service.port}"' in block[1]
    published = f"127.0.0.1:${{RELEVO_{service.name.upper()}_PORT:-{service.port}}}:{service.port}"
    assert published in block[1]


@pytest.mark.parametrize("service", catalog.SERVICES, ids=lambda service: service.name)
def test_a_service_declares_handlers_for_what_it_reads(service: catalog.Service) -> None:
    subscribing = [
        file.read_text().split("def subscribe")[1]
        for file in (ROOT / "services" / service.name).glob("**/handlers.py")
    ]
    declared = {
        topic.name
        for topic in TOPICS
        if any(topic.name.upper().replace(".", "_") in text for text in subscribing)
    }
    assert declared - set(catalog.READ_BY_ALL) == set(service.reads)
