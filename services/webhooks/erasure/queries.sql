-- Every query runs with the schema `webhooks` first on the search path.

-- name: events_of_brand
SELECT id FROM events WHERE brand_id = :account AND id > :after ORDER BY id LIMIT :chunk;

-- name: events_of_three_pl
SELECT id FROM events WHERE three_pl_id = :account AND id > :after ORDER BY id LIMIT :chunk;

-- name: end_deliveries!
-- tenants: events of the erased account (events_of_brand, events_of_three_pl)
-- What is unfinished of these events is superseded, as by a return: whoever holds one is told, drops
-- it from memory, and what was under way may still succeed. Of a brand's, `order.unassigned` goes on:
-- it tells a 3PL to stop. Of a 3PL's, those to endpoints of the brand go on. Locked lane by lane, as
-- everywhere.
WITH unfinished AS MATERIALIZED (
    SELECT d.id FROM deliveries d
    WHERE d.event_id = ANY(:events::uuid[]) AND d.state IN ('pending', 'retrying', 'parked')
      AND NOT (:spares_returns
               AND (SELECT e.type FROM events e WHERE e.id = d.event_id) = 'order.unassigned')
      AND NOT (:spares_brands
               AND EXISTS (SELECT FROM endpoints p
                           WHERE p.id = d.endpoint_id AND p.brand_id IS NOT NULL))
    ORDER BY d.order_id, d.endpoint_id, d.sequence FOR UPDATE
)
UPDATE deliveries SET state = 'superseded'
WHERE id = ANY(ARRAY(SELECT id FROM unfinished))
RETURNING CASE WHEN lease_owner IS NOT NULL
               THEN pg_notify('webhooks_returns', lease_owner::text) END;

-- name: erase_bodies!
-- tenants: events of the erased brand (events_of_brand)
-- After its deliveries: nothing claims one whose body is gone. A return's has ids, number and reason.
UPDATE events SET body = ''
WHERE id = ANY(:events::uuid[]) AND type <> 'order.unassigned' AND octet_length(body) > 0;

-- name: erase_answers!
-- tenants: events of the erased account (events_of_brand, events_of_three_pl)
UPDATE attempts SET response_head = NULL, url = NULL
WHERE (response_head IS NOT NULL OR url IS NOT NULL)
  AND delivery_id = ANY(ARRAY(
      SELECT d.id FROM deliveries d
      WHERE d.event_id = ANY(:events::uuid[])
        AND NOT (:spares_brands
                 AND EXISTS (SELECT FROM endpoints p
                             WHERE p.id = d.endpoint_id AND p.brand_id IS NOT NULL))));

-- name: erase_endpoints!
-- The update is what other processes notice it by (endpoints_updated).
UPDATE endpoints
SET url = NULL, sealed_url = '', masked_url = '', sealed_secrets = '{}', description = NULL,
    state = 'disabled', disabled_reason = 'the account was erased', updated_at = now()
WHERE :account IN (three_pl_id, brand_id) AND sealed_secrets <> '{}';

-- name: erase_idempotency_keys!
-- Their answers hold secrets of endpoints.
DELETE FROM idempotency_keys
WHERE split_part(scope, ' ', 1) = :account::uuid::text;
