-- Every query runs with the schema `fulfilment` first on the search path.

-- name: next_rounds
-- tenants: of shipments that the same session locked
SELECT shipment_id, max(round) + 1 AS round FROM labels
WHERE shipment_id = ANY(:shipments::uuid[]) GROUP BY shipment_id;

-- name: add_labels!
-- tenants: of shipments that the same session locked
INSERT INTO labels (id, shipment_id, round, order_id, brand_id, three_pl_id, carrier_account_id,
                    state, next_step, requested_by)
SELECT t.*, 'requested', 'buy', :requested_by
FROM unnest(:ids::uuid[], :shipments::uuid[], :rounds::int[], :orders::uuid[], :brands::uuid[],
            :three_pls::uuid[], :accounts::uuid[]) AS t;

-- name: claim_labels
-- tenants: all; the buyer
-- Durable before any carrier is asked. Of each it says when that was done before.
UPDATE labels SET claimed_until = now() + :lease_seconds::float8 * interval '1 second',
                  called_at = now(), attempts = attempts + 1
WHERE id = ANY(ARRAY(
    SELECT id FROM labels
    WHERE next_step IS NOT NULL AND next_attempt_at <= now()
      AND (claimed_until IS NULL OR claimed_until < now())
    ORDER BY next_attempt_at LIMIT :most FOR UPDATE SKIP LOCKED))
RETURNING labels.id, shipment_id, round, order_id, carrier_account_id, state, outcome, reason,
          carrier_label_id, parcels, documents, price::text AS price, currency, next_step,
          next_attempt_at, attempts, old.called_at AS called_at, labels.called_at AS claimed_at;

-- name: write_label$
-- tenants: all; the buyer
-- Only by whoever still has the claim: what came after it counts.
UPDATE labels SET state = :state, outcome = :outcome, reason = :reason,
                  carrier_label_id = :carrier_label_id, parcels = :parcels,
                  parcel_names = :parcel_names, documents = :documents,
                  price = :price::text::numeric, currency = :currency, next_step = :next_step,
                  next_attempt_at = :next_attempt_at, attempts = :attempts, claimed_until = NULL,
                  settled_at = CASE WHEN :state = 'settled' THEN coalesce(settled_at, now()) END
WHERE id = :id AND claimed_until IS NOT NULL AND called_at = :claimed_at
RETURNING true;

-- name: oldest_unsettled$
-- tenants: all; a metric
SELECT extract(epoch FROM now() - min(requested_at))::float8 FROM labels
WHERE next_step IN ('buy', 'find');

-- name: put_off!
-- tenants: all; the buyer
-- A carrier that is busy is busy for all labels of the account.
UPDATE labels SET next_attempt_at = greatest(next_attempt_at, :until::timestamptz)
WHERE carrier_account_id = :account AND next_step IN ('buy', 'find') AND claimed_until IS NULL;

-- name: add_document!
-- tenants: of a label that the caller has claimed
INSERT INTO label_documents (label_id, parcel, format, content)
SELECT :label, :parcel, :format, :content
WHERE NOT EXISTS (SELECT FROM erased_accounts e JOIN labels l ON l.brand_id = e.account_id
                  WHERE l.id = :label)
ON CONFLICT (label_id, parcel, format) DO UPDATE SET content = excluded.content;

-- name: give_back!
-- tenants: of shipments that the same session locked
-- Whoever is fetching its documents has lost the claim: this comes after it.
UPDATE labels SET next_step = 'cancel', next_attempt_at = now(), attempts = 0, claimed_until = NULL
WHERE shipment_id = ANY(:shipments::uuid[]) AND outcome = 'bought'
  AND next_step IS DISTINCT FROM 'cancel';

-- name: newest_labels
-- tenants: of shipments that the caller may see
SELECT DISTINCT ON (l.shipment_id) l.id, l.shipment_id, l.round, l.state, l.outcome, l.reason,
       l.price::text AS price, l.currency, l.next_step, l.requested_at, l.settled_at,
       a.account_id AS bought_by, a.carrier
FROM labels l JOIN carrier_accounts a ON a.id = l.carrier_account_id
WHERE l.shipment_id = ANY(:shipments::uuid[])
ORDER BY l.shipment_id, l.round DESC;

-- name: list_documents
-- tenants: of shipments that the caller may see
SELECT d.label_id, l.shipment_id, d.parcel, d.format, length(d.content) AS bytes
FROM label_documents d JOIN labels l ON l.id = d.label_id
WHERE l.shipment_id = ANY(:shipments::uuid[]) AND l.outcome = 'bought'
ORDER BY l.shipment_id, d.parcel, d.format;

-- name: document$
-- tenants: of a shipment that the caller may see
SELECT d.content FROM label_documents d JOIN labels l ON l.id = d.label_id
WHERE l.shipment_id = :shipment AND l.outcome = 'bought' AND d.parcel = :parcel
  AND d.format = :format;

-- name: shipments_seen
-- Those of them that the account is a party of.
SELECT id FROM shipments
WHERE id = ANY(:ids::uuid[]) AND (brand_id = :account
                                  OR three_pl_id = :account AND connection_id IS NOT NULL);

-- name: labels_of_parcels
-- tenants: the account that the carrier proved itself for
SELECT id, shipment_id, order_id, parcels FROM labels
WHERE parcel_names && :names::text[] AND outcome = 'bought' AND carrier_account_id = :account
LIMIT 20;
