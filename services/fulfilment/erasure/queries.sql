-- name: forget_orders!
-- Ids, states and owners stay; what the orders of a brand said goes.
UPDATE orders SET facts = NULL, number = NULL, external_id = '' WHERE id = ANY(ARRAY(
    SELECT id FROM orders WHERE brand_id = :account
      AND (facts IS NOT NULL OR number IS NOT NULL OR external_id <> '')
    LIMIT :chunk FOR UPDATE));

-- name: forget_shipments!
-- Where they went and what was in them goes; ids, numbers of pieces and what was decided stay.
UPDATE shipments
SET consignee = NULL, rule_name = NULL, shipping = NULL, lines = forgotten.lines,
    parcels = forgotten.parcels
FROM (SELECT s.id,
             (SELECT coalesce(json_agg(json_build_object('index', l->'index', 'quantity', l->'quantity')
                              ORDER BY n), '[]')::text
              FROM json_array_elements(s.lines::json) WITH ORDINALITY AS e (l, n)) AS lines,
             (SELECT coalesce(json_agg(json_build_object('number', p->'number') ORDER BY n), '[]')::text
              FROM json_array_elements(s.parcels::json) WITH ORDINALITY AS e (p, n)) AS parcels
      FROM shipments s WHERE s.brand_id = :account AND s.consignee IS NOT NULL
      LIMIT :chunk FOR UPDATE) AS forgotten
WHERE shipments.id = forgotten.id;

-- name: forget_labels!
-- Labels say where a parcel went. What was bought when, and what it cost, stays.
WITH forgotten AS (
    SELECT id FROM labels
    WHERE brand_id = :account
      AND (parcels <> '[]' OR reason IS NOT NULL OR documents <> '[]'
           OR EXISTS (SELECT FROM label_documents d WHERE d.label_id = labels.id))
    LIMIT :chunk FOR UPDATE
), gone AS (
    DELETE FROM label_documents WHERE label_id = ANY(ARRAY(SELECT id FROM forgotten))
)
UPDATE labels SET parcels = '[]', parcel_names = '{}', documents = '[]', reason = NULL,
                  requested_by = NULL
WHERE id = ANY(ARRAY(SELECT id FROM forgotten));

-- name: forget_carrier_accounts!
-- What is under way is not asked about any more: nobody has credentials for it.
WITH ended AS (
    UPDATE labels SET next_step = NULL
    WHERE next_step IS NOT NULL AND carrier_account_id = ANY(ARRAY(
        SELECT id FROM carrier_accounts WHERE account_id = :account))
)
UPDATE carrier_accounts
SET sealed_keys = NULL, url = NULL, name = '', deleted_at = coalesce(deleted_at, now())
WHERE account_id = :account AND (sealed_keys IS NOT NULL OR name <> '');

-- name: forget_rules!
-- Every version: names and words in them were typed by people. Which version it was stays.
UPDATE shipping_rules SET rules = '[]', fallback = NULL, set_by = NULL
WHERE account_id = :account AND (rules <> '[]' OR fallback IS NOT NULL OR set_by IS NOT NULL);

-- name: forget_tickets
-- tenants: those of the account (:account), and of a brand also those about its orders
-- Ids, numbers, categories, states and times stay.
UPDATE tickets SET fields = NULL, carrier_email = NULL, reply_key = NULL, created_by = NULL,
    erased_at = now()
WHERE id = ANY(ARRAY(
    SELECT id FROM tickets
    WHERE (account_id = :account OR (:is_brand::bool AND other_id = :account))
      AND erased_at IS NULL
    LIMIT :chunk FOR UPDATE))
RETURNING id;

-- name: forget_messages!
-- tenants: of tickets that are erased in this transaction
UPDATE ticket_messages SET text = NULL, written_by = NULL, mail_digest = NULL
WHERE ticket_id = ANY(:tickets::uuid[]);

-- name: forget_attachments!
-- tenants: of tickets that are erased in this transaction
UPDATE ticket_attachments SET name = NULL, digest = NULL, added_by = NULL
WHERE ticket_id = ANY(:tickets::uuid[]);

-- name: delete_parts!
-- tenants: of tickets that are erased in this transaction
DELETE FROM ticket_attachment_parts WHERE attachment_id IN (
    SELECT id FROM ticket_attachments WHERE ticket_id = ANY(:tickets::uuid[]));

-- name: delete_idempotency_keys!
-- Their answers say what tickets said. Those of the other party are asked whether it was erased.
DELETE FROM idempotency_keys WHERE split_part(scope, ' ', 1) = :account::uuid::text;

-- name: forget_reasons!
-- Why something was voided or given back; entries themselves have no words.
UPDATE ledger_reasons SET reason = NULL WHERE entry_id = ANY(ARRAY(
    SELECT entry_id FROM ledger_reasons
    WHERE (brand_id = :account OR three_pl_id = :account) AND reason IS NOT NULL
    LIMIT :chunk FOR UPDATE));

-- name: forget_list_names!
-- tenants: the owner (account_id), or who it is for
UPDATE price_lists SET name = ''
WHERE (account_id = :account OR charged_account = :account) AND name <> '';
