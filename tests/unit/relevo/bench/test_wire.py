"""What the bench sends is what a Shopify store would."""

import orjson

from relevo.bench import wire
from services.ingest.platforms.shopify import signature


def test_bodies_are_of_the_promised_size_and_differ_by_id() -> None:
    bodies = [wire.body(body, "2026-03-01T12:00:00+00:00") for body in (1, 10_000_000)]
    assert all(abs(len(body) - wire.BODY_BYTES) <= 10 for body in bodies)
    assert [orjson.loads(body)["id"] for body in bodies] == [1, 10_000_000]


def test_ingest_accepts_the_signature() -> None:
    content = wire.body(5, "2026-03-01T12:00:00+00:00")
    request = wire.request("127.0.0.1:1", "store", "secret", content)
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert body == content
    assert int(headers["content-length"]) == len(content)
    assert signature.is_valid([b"secret"], body, headers["x-shopify-hmac-sha256"])
    assert not signature.is_valid([b"other"], body, headers["x-shopify-hmac-sha256"])
