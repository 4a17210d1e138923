"""One process of a service: web server, database, Kafka, relay and background work, wired once.

A service's `main.py` says what it consumes and serves; this file what every reader of the log has.
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.signing_keys_changed import SigningKeysChanged
from shared.kafka.batch import read
from shared.kafka.connection import KafkaConnection
from shared.kafka.message import Message
from shared.kafka.subscriber import Reader
from shared.kafka.topics import ACCOUNTS_CHANGED, CONNECTIONS_CHANGED, SIGNING_KEYS_CHANGED
from shared.opening import Opening, Step
from shared.postgres.database import Database
from shared.postgres.outbox import Relay
from shared.process import Background, Process
from shared.settings import Settings
from shared.web import openapi, problems
from shared.web.access import AREAS
from shared.web.auth import Verifier
from shared.web.bodies import MAX_FORM_BYTES, BoundedBodies
from shared.web.catching_up import UntilCaughtUp
from shared.web.plain_routes import PlainFirst, PlainRoute
from shared.web.revocations import Revocations


class Runtime(Process):
    """What every process of a service has; `app()` makes it a web application.

    Args:
        settings: of the service.
        name: the service, also its schema and the prefix of its consumer groups.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        super().__init__(settings, name)
        self.kafka = KafkaConnection(settings, f"relevo-{name}")
        self.revocations = Revocations()
        self.verifier = Verifier(settings.auth_jwks, settings.auth_issuer)
        self._on_keys: list[Background] = []
        self._hear_of_rights()
        self.health.add("kafka", self.kafka.producer.check)
        # Before it, a process neither answers nor decides.
        self.opening = Opening(Step(self.kafka.caught_up, self.kafka.unread))
        self.health.add("topics", self.opening.check)
        self.health.add("consumers", self.kafka.check_consumers)
        self.background("kafka", self.kafka.run)
        self.background("lag", self.kafka.watch_lag)
        self.background("opening", self.opening.run)
        self._on_sent: list[Callable[[Message, object], None]] = []
        relay = Relay(self.database, name, self.kafka.producer.send, on_sent=self._sent)
        # What a restored outbox says may be older than the log: first that is known.
        self.background("relay", relay.run, [self.opening.wait])

    async def stop_reading(self) -> None:
        """Finish the batches under way, and leave the groups."""
        await self.kafka.stop()

    def _hear_of_rights(self) -> None:
        # Every process knows whose tokens are over, and whose signature makes one: no group.
        self.kafka.router.read_by_all(
            Reader(ACCOUNTS_CHANGED, read(AccountChanged), self._on_accounts_changed),
            Reader(CONNECTIONS_CHANGED, read(ConnectionChanged), self._on_delegations_changed),
            Reader(SIGNING_KEYS_CHANGED, read(SigningKeysChanged), self._on_keys_changed),
        )

    async def _on_accounts_changed(self, changes: Sequence[AccountChanged]) -> None:
        self.revocations.apply(changes)

    async def _on_delegations_changed(self, changes: Sequence[ConnectionChanged]) -> None:
        self.revocations.apply_connections(changes)

    async def _on_keys_changed(self, changes: Sequence[SigningKeysChanged]) -> None:
        for change in changes:
            self.verifier.learn(change)
        for hear in self._on_keys:
            await hear()

    def _sent(self, message: Message, place: object) -> None:
        for hear in self._on_sent:
            hear(message, place)

    def on_sent(self, hear: Callable[[Message, object], None]) -> None:
        """Call `hear` with each message of the outbox that Kafka has, and where it is there."""
        self._on_sent.append(hear)

    def on_keys(self, hear: Background) -> None:
        """Await `hear` whenever the verifier has learned of other signing keys."""
        self._on_keys.append(hear)

    def app(
        self,
        title: str,
        description: str,
        *,
        forms_only: bool = True,
        max_form_bytes: int = MAX_FORM_BYTES,
        streamed: re.Pattern[str] | None = None,
        answers_at_once: Sequence[str] = (),
        plain_routes: Sequence[PlainRoute] = (),
    ) -> FastAPI:
        """The web application; routers are the service's to add.

        Args:
            title: of its API.
            description: of its API.
            forms_only: bodies are small and bounded here; else the service bounds them itself.
            max_form_bytes: by how much.
            streamed: paths whose handlers bound what is sent to them themselves.
            answers_at_once: beginnings of paths that are answered before the process is open;
                others are 503 until then.
            plain_routes: answered before FastAPI is asked, and before the process is open.
        """
        self.kafka.router.subscribe_whole()
        app = PlainFirst(
            title=title,
            description=description,
            version="1.0.0",
            lifespan=self.lifespan,
            # A path is what it is: a redirect would send a body, and a token, a second time.
            redirect_slashes=False,
            docs_url=None,
            redoc_url=None,
            # Nobody collects it, and each request asks three times whether somebody does.
            telemetry={"tracing": False, "metrics": False, "logs": False},
        )
        app.state.verifier = self.verifier
        app.state.revocations = self.revocations
        app.state.area = AREAS[self.name]
        app.state.runtime = self
        problems.install(app)
        app.plain_routes = tuple(plain_routes)
        if forms_only:
            app.add_middleware(BoundedBodies, max_bytes=max_form_bytes, streamed=streamed)
        app.add_middleware(
            UntilCaughtUp,
            is_caught_up=lambda: self.opening.is_done,
            answers=answers_at_once,
        )
        app.include_router(self.health.router())
        openapi.install(app)
        return app


async def database_of(request: Request) -> Database:
    """FastAPI dependency: the schema of the service that answers."""
    runtime: Runtime = request.app.state.runtime
    return runtime.database


Schema = Annotated[Database, Depends(database_of)]
