-- name: order_of_ticket^
-- Of a party of it: others do not learn that it is there.
SELECT id, brand_id, three_pl_id, support_of, facts IS NULL AND external_id = '' AS is_erased
FROM orders WHERE id = :order_id AND (brand_id = :account OR three_pl_id = :account);

-- name: insert_ticket^
-- An account that was erased meanwhile writes none.
INSERT INTO tickets (id, kind, account_id, other_id, order_id, category, state, fields,
                     carrier_email, language, reply_key, created_by)
SELECT :id, :kind, :account, :other, :order_id, :category, 'draft', :fields, :carrier_email,
       :language, :reply_key, :created_by
WHERE NOT EXISTS (SELECT FROM erased_accounts
                  WHERE account_id = :account OR (account_id = :other AND kind = 'brand'))
RETURNING *;

-- name: get_ticket^
-- Its owner's; the other party reads it from when it was opened.
SELECT * FROM tickets
WHERE id = :id AND (account_id = :account OR (other_id = :account AND opened_at IS NOT NULL));

-- name: lock_ticket^
-- As above, to be changed.
SELECT * FROM tickets
WHERE id = :id AND (account_id = :account OR (other_id = :account AND opened_at IS NOT NULL))
FOR UPDATE;

-- name: list_tickets
-- Newest first; each half by an index of its own.
WITH own AS (
    SELECT * FROM tickets WHERE account_id = :account
      AND (:after::uuid IS NULL OR id < :after) AND (:state::text IS NULL OR state = :state)
      AND (:category::text IS NULL OR category = :category) AND (:kind::text IS NULL OR kind = :kind)
      AND (:order_id::uuid IS NULL OR order_id = :order_id)
      AND (:overdue::bool IS NULL OR coalesce(due_at < now(), false) = :overdue)
    ORDER BY id DESC LIMIT :limit
),
others AS (
    SELECT * FROM tickets WHERE other_id = :account AND opened_at IS NOT NULL
      AND (:after::uuid IS NULL OR id < :after) AND (:state::text IS NULL OR state = :state)
      AND (:category::text IS NULL OR category = :category) AND (:kind::text IS NULL OR kind = :kind)
      AND (:order_id::uuid IS NULL OR order_id = :order_id)
      AND (:overdue::bool IS NULL OR coalesce(due_at < now(), false) = :overdue)
    ORDER BY id DESC LIMIT :limit
)
SELECT * FROM own UNION ALL SELECT * FROM others ORDER BY id DESC LIMIT :limit;

-- name: count_tickets
-- Exact up to 10,000 of the newest.
WITH newest AS (
    SELECT state, due_at FROM tickets
    WHERE account_id = :account OR (other_id = :account AND opened_at IS NOT NULL)
    ORDER BY id DESC LIMIT 10000
)
SELECT state, count(*) AS tickets, count(*) FILTER (WHERE due_at < now()) AS overdue
FROM newest GROUP BY state ORDER BY state;

-- name: get_help_ticket^
-- tenants: all; help is asked of the operator. A draft is not asked yet.
SELECT * FROM tickets WHERE id = :id AND kind = 'help' AND opened_at IS NOT NULL;

-- name: lock_help_ticket^
-- tenants: all; as above, to be changed
SELECT * FROM tickets WHERE id = :id AND kind = 'help' AND opened_at IS NOT NULL FOR UPDATE;

-- name: list_help_tickets
-- tenants: all; as above
SELECT * FROM tickets WHERE kind = 'help' AND opened_at IS NOT NULL
  AND (:after::uuid IS NULL OR id < :after) AND (:state::text IS NULL OR state = :state)
  AND (:category::text IS NULL OR category = :category)
  AND (:overdue::bool IS NULL OR coalesce(due_at < now(), false) = :overdue)
ORDER BY id DESC LIMIT :limit;

-- name: move_ticket^
UPDATE tickets SET state = :state, state_since = :since, due_at = :due_at,
    opened_at = CASE WHEN :state = 'draft' THEN NULL ELSE coalesce(opened_at, :opened_at) END
WHERE id = :id AND account_id = :account RETURNING *;

-- name: add_message$
-- A mail that was added already adds nothing; neither do words to what was erased.
INSERT INTO ticket_messages (id, ticket_id, author, written_by, text, mail_digest)
SELECT :id, t.id, :author, :written_by, :text, :mail_digest
FROM tickets t WHERE t.id = :ticket_id AND t.account_id = :account AND t.erased_at IS NULL
ON CONFLICT (ticket_id, mail_digest) WHERE mail_digest IS NOT NULL DO NOTHING RETURNING written_at;

-- name: lock_answered_ticket^
-- tenants: of whom the key of its address is known, which was mailed to its carrier alone
SELECT * FROM tickets WHERE reply_key = :reply_key FOR UPDATE;

-- name: count_mails$
-- What its people wrote in a day to carriers that are mailed, drafts too.
SELECT count(*) FROM ticket_messages m JOIN tickets t ON t.id = m.ticket_id
WHERE t.account_id = :account AND t.carrier_email IS NOT NULL AND m.author = 'owner'
  AND m.written_at > now() - interval '1 day';

-- name: list_messages
-- tenants: of a ticket that was read by its account
SELECT id, author, written_by, text, written_at FROM ticket_messages
WHERE ticket_id = :ticket_id ORDER BY id LIMIT 1000;

-- name: count_messages$
-- tenants: of a ticket that was locked by its account
SELECT count(*) FROM ticket_messages WHERE ticket_id = :ticket_id;

-- name: list_attachments
-- tenants: of a ticket that was read by its account
SELECT id, name, content_type, size_bytes, added_by, added_at FROM ticket_attachments
WHERE ticket_id = :ticket_id AND added_at IS NOT NULL ORDER BY id;

-- name: sweep_idempotency_keys!
DELETE FROM idempotency_keys WHERE (scope, key) IN (
    SELECT scope, key FROM idempotency_keys
    WHERE created_at < now() - interval '24 hours'
    ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED);

-- name: sweep_attachments!
-- tenants: all; what was never sent whole goes, with its parts
DELETE FROM ticket_attachments WHERE id IN (
    SELECT id FROM ticket_attachments
    WHERE added_at IS NULL AND begun_at < now() - interval '1 hour'
    ORDER BY begun_at LIMIT :limit FOR UPDATE SKIP LOCKED);
