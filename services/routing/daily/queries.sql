-- name: orders_by_day
-- Each day is counted from an index, and no further than `most`.
SELECT d.day, (
    SELECT count(*) FROM (
        SELECT FROM orders
        WHERE (NOT :as_three_pl::bool AND brand_id = :account::uuid
               OR :as_three_pl AND three_pl_id = :account AND connection_id IS NOT NULL)
          AND (:in_store::uuid IS NULL
               OR store_id = :in_store
                  AND (connection_id IS NULL OR connection_id = :in_connection::uuid))
          AND accepted_at >= d.day AND accepted_at < d.day + interval '1 day'
        LIMIT :most) counted) AS orders
FROM generate_series(
    date_trunc('day', now(), 'UTC') - (:days::int - 1) * interval '1 day',
    date_trunc('day', now(), 'UTC'), interval '1 day') AS d (day)
ORDER BY d.day;
