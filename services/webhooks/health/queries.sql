-- Every query runs with the schema `webhooks` first on the search path.

-- name: health_of_endpoints
-- A page of the account's endpoints. Of each the newest attempts of a day and what is unfinished, both
-- up to a limit that keeps this cheap: by attempts_of_endpoint alone, and by deliveries_in_lane. The
-- last of either kind may be older than a day, but is looked for among the newest thousand only.
SELECT e.id, coalesce(t.masked_url, t.url) AS url, e.state, e.disabled_reason,
       CASE WHEN e.paused_until > now() THEN e.paused_until END AS paused_until,
       a.*, b.backlog, b.oldest_waiting, s.last_success_at, f.last_failure_at, f.last_failure_status,
       f.last_failure_error
FROM endpoints e
JOIN endpoints t ON t.id = coalesce(e.sends_to, e.id)
CROSS JOIN LATERAL (
    SELECT count(*) AS day_attempts,
           count(*) FILTER (WHERE n.status BETWEEN 200 AND 299) AS day_delivered,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY n.duration_ms) AS day_p50_ms,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY n.duration_ms) AS day_p95_ms,
           count(*) FILTER (WHERE n.in_hour) AS hour_attempts,
           count(*) FILTER (WHERE n.in_hour AND n.status BETWEEN 200 AND 299) AS hour_delivered,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY n.duration_ms)
               FILTER (WHERE n.in_hour) AS hour_p50_ms,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY n.duration_ms)
               FILTER (WHERE n.in_hour) AS hour_p95_ms
    FROM (SELECT status, duration_ms, at > now() - interval '1 hour' AS in_hour
          FROM attempts
          WHERE endpoint_id = e.id AND at > now() - interval '24 hours'
          ORDER BY at DESC LIMIT :most_attempts) n
) a
CROSS JOIN LATERAL (
    SELECT count(*) AS backlog, min(u.created_at) AS oldest_waiting
    FROM (SELECT created_at FROM deliveries
          WHERE endpoint_id = e.id AND state IN ('pending', 'retrying', 'parked')
          LIMIT :most_waiting) u
) b
LEFT JOIN LATERAL (
    SELECT n.at AS last_success_at
    FROM (SELECT at, status FROM attempts WHERE endpoint_id = e.id ORDER BY at DESC LIMIT 1000) n
    WHERE n.status BETWEEN 200 AND 299 ORDER BY n.at DESC LIMIT 1
) s ON true
LEFT JOIN LATERAL (
    SELECT n.at AS last_failure_at, n.status AS last_failure_status, n.error AS last_failure_error
    FROM (SELECT at, status, error FROM attempts
          WHERE endpoint_id = e.id ORDER BY at DESC LIMIT 1000) n
    WHERE (n.status BETWEEN 200 AND 299) IS NOT TRUE ORDER BY n.at DESC LIMIT 1
) f ON true
WHERE :account IN (e.three_pl_id, e.brand_id) AND e.deleted_at IS NULL
  AND (:endpoint_id::uuid IS NULL OR e.id = :endpoint_id)
  AND (:after::uuid IS NULL OR e.id < :after)
ORDER BY e.id DESC LIMIT :limit;

-- name: hours_of_endpoint
-- tenants: whoever asks was shown the endpoint in the same session (health_of_endpoints)
-- The last 24 hours, the one that is not over included; those without an attempt too.
WITH hours AS (
    SELECT generate_series(date_trunc('hour', now(), 'UTC') - interval '23 hours',
                           date_trunc('hour', now(), 'UTC'), interval '1 hour') AS hour
),
counted AS (
    SELECT date_trunc('hour', n.at, 'UTC') AS hour,
           count(*) FILTER (WHERE n.status BETWEEN 200 AND 299) AS delivered, count(*) AS attempts
    FROM (SELECT at, status FROM attempts
          WHERE endpoint_id = :endpoint_id AND at >= (SELECT min(hour) FROM hours)
          ORDER BY at DESC LIMIT :most_attempts) n
    GROUP BY 1
)
SELECT h.hour, coalesce(c.delivered, 0) AS delivered,
       coalesce(c.attempts - c.delivered, 0) AS failed
FROM hours h LEFT JOIN counted c ON c.hour = h.hour ORDER BY h.hour;
