"""Orders are found by words: of number, external id, names, e-mails and SKUs.

Words stand behind a mark of each account that may find them, so that a search meets no other's:
with 100,000 orders of 50 accounts and as many of one, a rare word took 1 ms in either (GIN, 106 MB
for 200,000 orders). One index entry for each word and account, at each insert or update.
"""

from shared.postgres import migration

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Before each word the last characters of who may find it, as in `services.routing.search`.
SEARCH = """
ALTER TABLE routing.orders ADD COLUMN words text;
COMMENT ON COLUMN routing.orders.words IS
    'what it is found by, without case and accents; null for erased orders';

CREATE FUNCTION routing.search_of(words text, brand uuid, three_pl uuid) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_to_tsvector(string_to_array(
        right(brand::text, 6) || replace(words, ' ', ' ' || right(brand::text, 6))
        || coalesce(' ' || right(three_pl::text, 6)
                    || replace(words, ' ', ' ' || right(three_pl::text, 6)), ''), ' '))
$$;
"""
FILL = r"""
UPDATE routing.orders SET words = (
    SELECT string_agg(DISTINCT left(word, 60), ' ')
    FROM (
        SELECT unnest(ARRAY[
            external_id, payload->>'number', payload->>'email', payload->'customer'->>'email',
            payload->'customer'->>'name', payload->'shipping_address'->>'name',
            payload->'billing_address'->>'name'])
        UNION ALL
        (SELECT line->>'sku' FROM json_array_elements(
            CASE WHEN json_typeof(payload->'lines') = 'array' THEN payload->'lines' END
         ) AS line LIMIT 100)
    ) AS texts (text)
    CROSS JOIN regexp_split_to_table(
        regexp_replace(normalize(lower(text), NFKD), '[\u0300-\u036f]', '', 'g'), '\s+') AS token
    CROSS JOIN LATERAL (
        SELECT regexp_replace(token, '^[^[:alnum:]]+|[^[:alnum:]]+$', '', 'g')
        UNION ALL SELECT regexp_split_to_table(token, '[^[:alnum:]]+')
    ) AS parts (word)
    WHERE word <> '')
WHERE payload IS NOT NULL;
"""
INDEX = """
CREATE INDEX orders_by_words ON routing.orders USING gin (
    routing.search_of(words, brand_id, CASE WHEN connection_id IS NOT NULL THEN three_pl_id END));
"""
VIEW = """
DROP VIEW routing.order_summaries;
CREATE VIEW routing.order_summaries AS
SELECT id, store_id, external_id, brand_id, three_pl_id, connection_id, status, version, sequence,
       settings_version, source_created_at AS created_at, accepted_at, updated_at, number, total,
       currency, CASE WHEN status = 'on_hold' THEN routing.standing_holds(id) END AS holds,
       erased_at{more}
FROM routing.orders WHERE sequence > 0;
"""
MORE = """, epoch, shipping_rules_owner, billing_owner, support_owner, cancel_too_late, payload,
       routing.search_of(words, brand_id, CASE WHEN connection_id IS NOT NULL THEN three_pl_id END)
           AS search"""


def upgrade() -> None:
    migration.run(SEARCH + FILL + INDEX + VIEW.format(more=MORE))


def downgrade() -> None:
    migration.run(
        VIEW.format(more="")
        + """
        DROP INDEX routing.orders_by_words;
        DROP FUNCTION routing.search_of(text, uuid, uuid);
        ALTER TABLE routing.orders DROP COLUMN words;
        """
    )
