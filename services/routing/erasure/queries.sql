-- Every query runs with the schema `routing` first on the search path.

-- name: erasures_known
-- tenants: all; what connections told of
-- Looked at without a lock: most are known whenever the topic is read again.
SELECT account_id FROM erased_accounts WHERE account_id = ANY(:accounts::uuid[]);

-- name: close_gates
-- As for a switch: batches with records of the accounts are before or after, none is between.
SELECT pg_advisory_xact_lock(7301, slot)
FROM (SELECT DISTINCT hashtext(account::text) & 1023 AS slot
      FROM unnest(:accounts::uuid[]) AS account ORDER BY slot) slots;

-- name: note_erasures!
INSERT INTO erased_accounts (account_id, kind)
SELECT * FROM unnest(:accounts::uuid[], :kinds::text[])
ON CONFLICT (account_id) DO NOTHING;

-- name: unfinished_erasures
-- tenants: all; the eraser
SELECT account_id, kind FROM erased_accounts WHERE emptied_at IS NULL
ORDER BY erased_at, account_id LIMIT 100;

-- name: finish_erasure!
UPDATE erased_accounts SET emptied_at = now() WHERE account_id = :account_id;

-- name: is_erased$
SELECT true FROM erased_accounts WHERE account_id = :account_id;

-- name: lock_orders_to_erase
-- The next chunk of the brand's orders, by its index.
SELECT id FROM orders
WHERE brand_id = :brand_id AND id > :after AND erased_at IS NULL
ORDER BY id LIMIT :chunk FOR UPDATE;

-- name: erase_orders!
-- tenants: of orders that the same session locked (lock_orders_to_erase)
-- With each what people wrote about it, and what rules saw of it: a statement of its own, which sees what a command wrote that
-- the lock had to wait for. The hash goes too: who guesses what an order said could prove it by that.
WITH notes AS (
    UPDATE holds SET note = NULL WHERE order_id = ANY(:ids::uuid[]) AND note IS NOT NULL
), lines AS (
    UPDATE order_history
    SET why = (SELECT json_object_agg(key, value)::text FROM json_each(why::json)
               WHERE key NOT IN ('note', 'order_rules', 'passed_over'))
    WHERE order_id = ANY(:ids::uuid[])
      AND (why LIKE '%"note":%' OR why LIKE '%"order_rules":%' OR why LIKE '%"passed_over":%')
)
UPDATE orders
SET payload = NULL, payload_bytes = 0, content_hash = '', number = NULL, total = NULL,
    currency = NULL, source_created_at = NULL, words = NULL, shipments = '[]', erased_at = now(), updated_at = now()
WHERE id = ANY(:ids::uuid[]);

-- name: drop_parked_records!
-- What is parked, whichever record was at fault. A replay that is at one of them is waited for.
DELETE FROM parked_records WHERE id = ANY(ARRAY(
    SELECT id FROM parked_records WHERE brand_id = :brand_id ORDER BY id LIMIT :chunk));

-- name: moved_stores_of
SELECT id FROM moved_stores WHERE brand_id = :brand_id;

-- name: forget_words!
-- An error may quote what it met, and rules have names that people gave them.
WITH errors AS (
    UPDATE handovers SET last_error = NULL WHERE brand_id = :brand_id AND last_error IS NOT NULL
)
UPDATE connections SET order_rules = '[]' WHERE brand_id = :brand_id AND order_rules <> '[]';

-- name: insert_whole_handovers!
-- All that the 3PL has not finished goes back, connection by connection. Once: nothing comes to it
-- after that but new orders, which the end of the connection returns.
INSERT INTO handovers (id, connection_id, brand_id, three_pl_id, epoch, reason, state, is_whole)
SELECT uuidv7(), id, brand_id, three_pl_id, epoch, :reason, 'running', true
FROM connections WHERE three_pl_id = :three_pl_id AND epoch > 0
ON CONFLICT (connection_id, epoch, is_whole) DO NOTHING;
