"""The 3PL's receiver of the demo: a process that verifies every webhook and remembers it.

`python -m relevo.demo.receiver HOST PORT` prints its port. `PUT /secret` gives it the signing
secret, `GET /received` tells what came; `POST /shipping/labels` is its shipping system, every other
POST a webhook; both are verified by the reference library of Standard Webhooks.
"""

import base64
import io
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from reportlab.pdfgen.canvas import Canvas
from standardwebhooks import Webhook, WebhookVerificationError


class Receiver(BaseHTTPRequestHandler):
    """Verify, remember, answer."""

    protocol_version = "HTTP/1.1"
    secret = ""
    shipping_secret = ""
    received: list[dict[str, Any]] = []  # noqa: RUF012  one list of the one server
    rejected = 0
    lock = threading.Lock()

    def do_PUT(self) -> None:
        """A signing secret, as the 3PL copied it: of webhooks, or of its shipping system."""
        if self.path == "/shipping-secret":
            type(self).shipping_secret = self._body().decode()
        else:
            type(self).secret = self._body().decode()
        self._answer(204)

    def do_POST(self) -> None:
        """A webhook, or a label that the 3PL's own shipping system is to make."""
        body = self._body()
        is_label = self.path == "/shipping/labels"
        secret = self.shipping_secret if is_label else self.secret
        try:
            Webhook(secret).verify(body, {k.lower(): v for k, v in self.headers.items()})
        except (WebhookVerificationError, ValueError):
            with self.lock:
                type(self).rejected += 1
            self._answer(401)
            return
        event = json.loads(body)
        if is_label:
            self._answer(201, json.dumps(label_for(event)).encode())
            return
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


def label_for(request: dict[str, Any]) -> dict[str, Any]:
    """A label by the 3PL's own system: the same for the same reference."""
    number = "PG" + request["reference"].replace("-", "")[:12].upper()
    written = io.BytesIO()
    page = Canvas(written, pagesize=(288, 432), pageCompression=0)
    to = request["to"]
    for place, line in enumerate((number, to["name"], to["address1"], to["zip"], to["city"])):
        page.drawString(20, 400 - 20 * place, line)
    page.save()
    document = {"format": "pdf", "content": base64.b64encode(written.getvalue()).decode()}
    parcel = {"tracking_number": number, "documents": [document]}
    return {"id": number, "parcels": [parcel], "price": "4.10", "currency": "EUR"}


def main(host: str, port: int) -> None:
    """Serve until killed."""
    server = ThreadingHTTPServer((host, port), Receiver)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
