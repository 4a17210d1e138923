"""The 3PL's receiver of the demo: a process that verifies every webhook and remembers it.

`python -m relevo.demo.receiver HOST PORT` prints its port. `PUT /secret` gives it the signing
secret, `GET /received` tells what came; every other POST is a webhook, verified by the reference
library of Standard Webhooks.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver(BaseHTTPRequestHandler):
    """Verify, remember, answer."""

    protocol_version = "HTTP/1.1"
    secret = ""
    received: list[dict[str, Any]] = []  # noqa: RUF012  one list of the one server
    rejected = 0
    lock = threading.Lock()

    def do_PUT(self) -> None:
        """The signing secret, as the 3PL copied it."""
        type(self).secret = self._body().decode()
        self._answer(204)

    def do_POST(self) -> None:
        """A webhook."""
        body = self._body()
        try:
            Webhook(self.secret).verify(body, {k.lower(): v for k, v in self.headers.items()})
        except (WebhookVerificationError, ValueError):
            with self.lock:
                type(self).rejected += 1
            self._answer(401)
            return
        event = json.loads(body)
        data = event["data"]
        with self.lock:
            self.received.append(
                {
                    "webhook_id": self.headers["webhook-id"],
                    "type": event["type"],
                    "external_id": data["external_id"],
                    "sequence": data["sequence"],
                    "status": data["status"],
                }
            )
        self._answer(204)

    def do_GET(self) -> None:
        """What came so far."""
        with self.lock:
            report = {"received": self.received, "rejected": self.rejected}
            self._answer(200, json.dumps(report).encode())

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: the demo tells."""


def main(host: str, port: int) -> None:
    """Serve until killed."""
    server = ThreadingHTTPServer((host, port), Receiver)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
