// Receives Relevo's webhooks: each is verified (Standard Webhooks 1.0) and printed once.
//
// WEBHOOK_SECRET=whsec_... node examples/receiver.mjs [PORT]        Node 18 or newer, no packages

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const toleranceSeconds = 300;
const mostBytes = 10 * 1024 * 1024;
// In your system: a table with a unique `webhook_id`, in the transaction that keeps the event.
const seen = new Set();

// Whether Relevo made this lately; while a secret is rotated there are two signatures.
function isSigned(id, timestamp, signatures, body) {
  if (!/^\d+$/.test(timestamp)) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceSeconds) return false;
  const hmac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body);
  const right = Buffer.from("v1," + hmac.digest("base64"));
  return signatures.split(" ").some((one) => {
    const given = Buffer.from(one);
    return given.length === right.length && timingSafeEqual(given, right);
  });
}

async function bodyOf(request) {
  const parts = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes <= mostBytes) parts.push(part);
  }
  return Buffer.concat(parts);
}

// Answers at once: work comes later, from where the event was kept.
// 204: it is ours now, do not send it again. 401: not by Relevo, or too old.
const server = createServer(async (request, response) => {
  const body = await bodyOf(request);
  const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
  const [id, timestamp, signatures] = names.map((name) => request.headers[name] ?? "");
  const isOurs = isSigned(id, timestamp, signatures, body);
  if (isOurs && !seen.has(id)) {
    const event = JSON.parse(body);
    console.log(event.type, event.data.external_id ?? "-", id);
    seen.add(id);
  }
  response.writeHead(isOurs ? 204 : 401).end();
});

server.listen(Number(process.argv[2] ?? 9000), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
