"""Kafka and Postgres as `docker-compose.yml` runs them, through testcontainers.

Images, settings, commands and health checks are read from the compose file, so that what is tested
is what is shipped; only what has to differ for a client on the host does: listeners and ports.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import ExecWaitStrategy

from relevo.local.processes import free_port

ROOT = Path(__file__).parent.parent.parent
_START_SECONDS = 120
_POSTGRES_PASSWORD = "only-for-this-run"


def compose_services() -> dict[str, Any]:
    """The services of the compose file, variables left as they are written."""
    file = str(ROOT / "docker-compose.yml")
    command = ["docker", "compose", "-f", file, "config", "--no-interpolate", "--format", "json"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return services


def _container(service: dict[str, Any], environment: dict[str, str]) -> DockerContainer:
    _, *check = service["healthcheck"]["test"]
    container = DockerContainer(service["image"]).waiting_for(
        ExecWaitStrategy(check).with_startup_timeout(_START_SECONDS)
    )
    if service.get("command"):
        container = container.with_command(service["command"])
    return container.with_envs(**{**service["environment"], **environment})


@contextmanager
def engines() -> Iterator[dict[str, str]]:
    """Both engines while the block runs; yields the variables that point the suite at them."""
    services = compose_services()
    # A client is sent on to the address that the broker advertises: it has to be known before.
    port = free_port()
    kafka = _container(
        services["kafka"],
        {
            "KAFKA_LISTENERS": f"PLAINTEXT://:9092,HOST://:{port},CONTROLLER://:9093",
            "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://localhost:9092,HOST://127.0.0.1:{port}",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": (
                "PLAINTEXT:PLAINTEXT,HOST:PLAINTEXT,CONTROLLER:PLAINTEXT"
            ),
            # The run is over before its second compiler would have paid for itself.
            "KAFKA_OPTS": "-XX:TieredStopAtLevel=1",
        },
    ).with_bind_ports(port, port)
    postgres = _container(
        services["postgres"], {"POSTGRES_PASSWORD": _POSTGRES_PASSWORD}
    ).with_exposed_ports(5432)
    # In memory: each test has a database, and on a disk its 700 files take half a second.
    for volume in services["postgres"]["volumes"]:
        postgres = postgres.with_tmpfs_mount(volume["target"])
    with ExitStack() as stack:
        for container in (postgres, kafka):
            stack.enter_context(container)
        address = f"{postgres.get_container_host_ip()}:{postgres.get_exposed_port(5432)}"
        yield {
            "RELEVO_TEST_KAFKA": f"127.0.0.1:{port}",
            "RELEVO_TEST_POSTGRES": f"postgresql://relevo:{_POSTGRES_PASSWORD}@{address}/postgres",
        }
