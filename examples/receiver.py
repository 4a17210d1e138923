"""Receives Relevo's webhooks: each is verified (Standard Webhooks 1.0) and printed once.

WEBHOOK_SECRET=whsec_... python3 examples/receiver.py [PORT]
"""

import base64
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE_SECONDS, MOST_BYTES = 300, 10 * 1024 * 1024
# In your system: a table with a unique `webhook_id`, in the transaction that keeps the event.
seen: set[str] = set()
lock = Lock()


def is_signed(webhook_id: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Whether Relevo made this lately; while a secret is rotated there are two signatures."""
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    content = f"{webhook_id}.{timestamp}.".encode() + body
    right = b"v1," + base64.b64encode(hmac.digest(KEY, content, "sha256"))
    return any(hmac.compare_digest(right, one.encode()) for one in signatures.split())


class Receiver(BaseHTTPRequestHandler):
    """Answers at once: work comes later, from where the event was kept."""

    protocol_version, timeout = "HTTP/1.1", 15

    def do_POST(self) -> None:
        """204: it is ours now, do not send it again. 401: not by Relevo, or too old."""
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), MOST_BYTES))
        named = (f"webhook-{name}" for name in ("id", "timestamp", "signature"))
        webhook_id, timestamp, signatures = (self.headers.get(name, "") for name in named)
        if is_ours := is_signed(webhook_id, timestamp, signatures, body):
            with lock:
                if webhook_id not in seen:
                    event = json.loads(body)
                    order = event["data"].get("external_id", "-")
                    print(event["type"], order, webhook_id, flush=True)
                    seen.add(webhook_id)
        self.close_connection = not is_ours
        self.send_response(204 if is_ours else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_request(self, *_: object) -> None:
        """Say nothing: events are printed."""


port = int(sys.argv[1]) if sys.argv[1:] else 9000
server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
