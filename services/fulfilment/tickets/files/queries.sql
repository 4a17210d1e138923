-- name: count_attachments$
-- tenants: of a ticket that was locked by its account
SELECT count(*) FROM ticket_attachments
WHERE ticket_id = :ticket_id AND (added_at IS NOT NULL OR begun_at > now() - interval '1 hour');

-- name: begin_attachment!
INSERT INTO ticket_attachments (id, ticket_id, name, added_by)
VALUES (:id, :ticket_id, :name, :added_by);

-- name: add_part!
INSERT INTO ticket_attachment_parts (attachment_id, number, content)
VALUES (:attachment_id, :number, :content);

-- name: find_attachment^
-- tenants: of a ticket that was locked by its account
SELECT id, name, content_type, size_bytes, added_by, added_at FROM ticket_attachments
WHERE ticket_id = :ticket_id AND digest = :digest AND added_at IS NOT NULL;

-- name: end_attachment^
-- tenants: of a ticket that was locked by its account
-- Not of a ticket that was erased meanwhile.
UPDATE ticket_attachments a SET content_type = :content_type, size_bytes = :size_bytes,
    digest = :digest, added_at = now()
FROM tickets t WHERE a.id = :id AND t.id = a.ticket_id AND t.erased_at IS NULL
RETURNING a.id, a.name, a.content_type, a.size_bytes, a.added_by, a.added_at;

-- name: delete_attachment!
-- tenants: one that its sender has just begun
DELETE FROM ticket_attachments WHERE id = :id;

-- name: get_attachment^
-- tenants: of a ticket that was read by its account, or named by a signed link
SELECT id, name, content_type, size_bytes, added_by, added_at FROM ticket_attachments
WHERE id = :id AND (:ticket_id::uuid IS NULL OR ticket_id = :ticket_id)
  AND added_at IS NOT NULL AND name IS NOT NULL;

-- name: next_part^
-- tenants: of an attachment that may be read
SELECT number, content FROM ticket_attachment_parts
WHERE attachment_id = :attachment_id AND number > :number ORDER BY number LIMIT 1;
