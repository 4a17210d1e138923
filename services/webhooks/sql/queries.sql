-- name: newer_endpoints
-- tenants: all; what connections told of
SELECT told.id FROM unnest(:ids::uuid[], :versions::int[]) AS told (id, version)
LEFT JOIN endpoints known ON known.id = told.id
WHERE known.id IS NULL OR known.version < told.version;

-- name: upsert_endpoints
-- What connections.changed tells, unless a newer version told already. The state is ours.
INSERT INTO endpoints AS e (id, connection_id, three_pl_id, store_id, sealed_url, masked_url,
    sealed_secrets, sends_to, version)
SELECT id, connection_id, three_pl_id, store_id, sealed_url, masked_url,
       ARRAY(SELECT json_array_elements_text(secrets::json)), sends_to, version
FROM unnest(:ids::uuid[], :connections::uuid[], :three_pls::uuid[], :stores::uuid[],
            :sealed_urls::text[], :masked_urls::text[], :secrets::text[], :sends_to::uuid[],
            :versions::int[])
     AS n (id, connection_id, three_pl_id, store_id, sealed_url, masked_url, secrets, sends_to,
           version)
-- Of a 3PL that was erased nothing is kept.
WHERE NOT EXISTS (SELECT FROM erased_accounts gone WHERE gone.account_id = n.three_pl_id)
ORDER BY id  -- Every process writes them: no two wait for each other.
ON CONFLICT (id) DO UPDATE SET
    url = NULL, sealed_url = excluded.sealed_url, masked_url = excluded.masked_url,
    sealed_secrets = excluded.sealed_secrets, sends_to = excluded.sends_to,
    version = excluded.version, updated_at = now()
WHERE e.version < excluded.version
RETURNING e.id, e.sends_to IS NOT NULL AND old.sends_to IS DISTINCT FROM e.sends_to AS is_moved;

-- name: lock_plain_urls
-- tenants: all; URLs of before they were sealed
-- Several processes take different ones.
SELECT id, url FROM endpoints WHERE url IS NOT NULL ORDER BY id LIMIT :limit
FOR UPDATE SKIP LOCKED;

-- name: seal_urls!
-- tenants: all; those that were locked
UPDATE endpoints e SET url = NULL, sealed_url = n.sealed_url, masked_url = n.masked_url
FROM unnest(:ids::uuid[], :sealed_urls::text[], :masked_urls::text[])
     AS n (id, sealed_url, masked_url)
WHERE e.id = n.id;

-- name: endpoints_of_ids
-- tenants: all; the dispatcher sends for every endpoint
-- Whom events of a batch go to, when they are not in memory yet.
SELECT e.id, e.state, extract(epoch FROM e.paused_until - now())::float8 AS paused_seconds,
       t.id AS target_id, t.url, t.sealed_url,
       CASE WHEN t.former_secret_until <= now() THEN ARRAY[t.sealed_secrets[1]]
            ELSE t.sealed_secrets END AS sealed_secrets,
       e.brand_id, e.event_types, e.store_ids, e.version
FROM endpoints e JOIN endpoints t ON t.id = coalesce(e.sends_to, e.id)
WHERE e.id = ANY(:ids::uuid[]);

-- name: endpoints_of_brands
-- tenants: all; whom events of a batch go to
SELECT id, id AS target_id, state, url, sealed_url,
       extract(epoch FROM paused_until - now())::float8 AS paused_seconds,
       CASE WHEN former_secret_until <= now() THEN ARRAY[sealed_secrets[1]]
            ELSE sealed_secrets END AS sealed_secrets,
       brand_id, event_types, store_ids, version
FROM endpoints WHERE brand_id IS NOT NULL AND sealed_secrets <> '{}';

-- name: cancel_deleted!
-- tenants: all; endpoints that are known to be gone
-- What came between an endpoint's end and every process's knowing of it. Locked lane by lane.
WITH unfinished AS MATERIALIZED (
    SELECT id FROM deliveries
    WHERE endpoint_id = ANY(ARRAY(SELECT id FROM endpoints
                                  WHERE id = ANY(:ids::uuid[]) AND deleted_at IS NOT NULL))
      AND state IN ('pending', 'retrying', 'parked')
    ORDER BY order_id, endpoint_id, sequence FOR UPDATE
)
UPDATE deliveries SET state = 'cancelled', lease_owner = NULL
WHERE id = ANY(ARRAY(SELECT id FROM unfinished));

-- name: endpoints_updated
-- tenants: all; the dispatcher sends for every endpoint
-- What another process may have changed, and secrets whose time was over since; the overlap covers
-- transactions that commit late.
SELECT e.id, e.state, extract(epoch FROM e.paused_until - now())::float8 AS paused_seconds,
       t.id AS target_id, t.url, t.sealed_url,
       CASE WHEN t.former_secret_until <= now() THEN ARRAY[t.sealed_secrets[1]]
            ELSE t.sealed_secrets END AS sealed_secrets,
       e.brand_id, e.event_types, e.store_ids, e.version
FROM endpoints e JOIN endpoints t ON t.id = coalesce(e.sends_to, e.id)
WHERE e.updated_at > now() - :seconds::float8 * interval '1 second'
   OR e.former_secret_until BETWEEN now() - :seconds::float8 * interval '1 second' AND now();

-- name: insert_events
-- tenants: all; the records of a batch are of many
-- Events and their deliveries, once each however often they come. A delivery that this process
-- has capacity for is leased to it at once, unless an earlier one of its lane waits elsewhere, or an
-- older one of its endpoint is due: old before new. One that has to wait for its lane is not due until
-- it is let go (let_followers_go). Of accounts that were erased nothing is kept. The positions move
-- with it, from where they are believed to be.
WITH stepped AS (
    UPDATE positions p
    SET next_offset = s.after, record_id = s.record_id, moved_at = now()
    FROM unnest(:partitions::int[], :befores::bigint[], :generations::int[], :afters::bigint[],
                :record_ids::text[]) AS s (partition, before, generation, after, record_id)
    WHERE p.topic = :topic AND p.partition = s.partition AND p.next_offset = s.before
        AND p.generation = s.generation
    RETURNING p.partition
), gone AS MATERIALIZED (
    SELECT account_id FROM erased_accounts
    WHERE account_id = ANY(:brands::uuid[] || :three_pls::uuid[])
),
incoming AS (
    SELECT * FROM unnest(:deliveries::uuid[], :events::uuid[], :endpoints::uuid[],
                         :orders::uuid[], :sequences::int[], :stores::uuid[], :brands::uuid[],
                         :connections::uuid[], :three_pls::uuid[], :types::text[],
                         :bodies::bytea[], :traceparents::text[], :wants_lease::bool[],
                         :to_brand::bool[])
        AS i (id, event_id, endpoint_id, order_id, sequence, store_id, brand_id,
              connection_id, three_pl_id, type, body, traceparent, wants_lease, to_brand)
    WHERE NOT EXISTS (SELECT FROM gone
                      WHERE account_id = i.brand_id
                         OR account_id = i.three_pl_id AND NOT i.to_brand)
),
-- The unfinished deliveries before each in its lane. The first is locked: whoever finishes it came
-- before, or lets what is inserted here go. Of the last: whether it is not this process's.
earlier AS MATERIALIZED (
    SELECT i.id, first.id IS NOT NULL AS has_to_wait, last.sequence AS predecessor,
           coalesce(last.lease_owner IS DISTINCT FROM :owner::uuid OR last.due_at < now(), false)
               AND first.id IS NOT NULL AS elsewhere
    FROM incoming i
    LEFT JOIN LATERAL (
        SELECT d.id FROM deliveries d
        WHERE d.endpoint_id = i.endpoint_id AND d.order_id = i.order_id
          AND d.sequence < i.sequence AND d.state IN ('pending', 'retrying', 'parked')
        ORDER BY d.sequence LIMIT 1 FOR SHARE) first ON true
    LEFT JOIN LATERAL (
        SELECT d.sequence, d.lease_owner, d.due_at FROM deliveries d
        WHERE d.endpoint_id = i.endpoint_id AND d.order_id = i.order_id
          AND d.sequence < i.sequence AND d.state IN ('pending', 'retrying', 'parked')
        ORDER BY d.sequence DESC LIMIT 1) last ON first.id IS NOT NULL
),
new_events AS (
    INSERT INTO events (id, order_id, store_id, brand_id, connection_id, three_pl_id, type,
                        sequence, body, traceparent)
    SELECT event_id, order_id, store_id, brand_id, connection_id, three_pl_id, type,
           sequence, body, traceparent
    -- Of several deliveries of one event one has the body.
    FROM incoming WHERE body IS NOT NULL ON CONFLICT DO NOTHING
),
-- By endpoint: whether nothing of it is due that nobody has.
targets AS MATERIALIZED (
    SELECT e.id, e.state, e.deleted_at IS NOT NULL AS is_deleted,
           e.state = 'enabled'
               AND NOT EXISTS (SELECT FROM deliveries d
                               WHERE d.endpoint_id = e.id AND d.state = 'pending'
                                 AND d.due_at <= now()) AS is_free
    FROM endpoints e WHERE e.id = ANY(:endpoints::uuid[])
),
decided AS (
    SELECT i.id, i.event_id, i.endpoint_id, i.order_id, i.sequence,
           CASE WHEN e.is_deleted THEN 'cancelled'
                WHEN e.state = 'disabled' THEN 'parked' ELSE 'pending' END AS state,
           i.wants_lease AND e.is_free AND NOT p.elsewhere AS leased, p.has_to_wait
    FROM incoming i
    JOIN earlier p ON p.id = i.id
    LEFT JOIN targets e ON e.id = i.endpoint_id
),
inserted AS (
    INSERT INTO deliveries (id, event_id, endpoint_id, order_id, sequence, state, due_at,
                            lease_owner)
    SELECT id, event_id, endpoint_id, order_id, sequence, state,
           CASE WHEN leased THEN now() + :lease_seconds::float8 * interval '1 second'
                WHEN has_to_wait THEN 'infinity' ELSE now() END,
           CASE WHEN leased THEN :owner::uuid END
    FROM decided
    -- By its id, or that of before.
    ON CONFLICT DO NOTHING
    RETURNING id, state, lease_owner IS NOT NULL AS leased
)
SELECT n.id, n.state, n.leased, p.predecessor, NULL::bigint AS moved
FROM inserted n JOIN earlier p ON p.id = n.id
UNION ALL
SELECT NULL, NULL, NULL, NULL, count(*) FROM stepped;

-- name: claim_due_deliveries
-- tenants: all; the claimer works for every endpoint
-- The heads of lanes that are due, for endpoints with capacity: a lease of their own, oldest first.
-- A delivery whose lease has run out is due again, whoever held it and whatever came of that. Found
-- one by one: a join would read the whole of both tables. So would NOT EXISTS, which is a join, while
-- the statistics are of a quieter hour: all that is unfinished, once for each.
WITH wanted AS (
    SELECT * FROM unnest(:endpoints::uuid[], :first_attempts::int[], :retries::int[],
                         :bytes::bigint[])
        AS w (endpoint_id, first_attempts, retries, bytes)
),
first_attempts AS MATERIALIZED (
    SELECT w.endpoint_id, w.bytes, h.* FROM wanted w CROSS JOIN LATERAL (
        SELECT d.id, d.event_id, d.due_at, d.state FROM deliveries d
        WHERE d.endpoint_id = w.endpoint_id AND d.state = 'pending' AND d.due_at <= now()
          AND (SELECT p.id FROM deliveries p
               WHERE p.endpoint_id = d.endpoint_id AND p.order_id = d.order_id
                 AND p.sequence < d.sequence AND p.state IN ('pending', 'retrying', 'parked')
               LIMIT 1) IS NULL
        ORDER BY d.due_at, d.id LIMIT w.first_attempts FOR UPDATE SKIP LOCKED) h
),
retries AS MATERIALIZED (
    SELECT w.endpoint_id, w.bytes, h.* FROM wanted w CROSS JOIN LATERAL (
        SELECT d.id, d.event_id, d.due_at, d.state FROM deliveries d
        WHERE d.endpoint_id = w.endpoint_id AND d.state = 'retrying' AND d.due_at <= now()
          AND (SELECT p.id FROM deliveries p
               WHERE p.endpoint_id = d.endpoint_id AND p.order_id = d.order_id
                 AND p.sequence < d.sequence AND p.state IN ('pending', 'retrying', 'parked')
               LIMIT 1) IS NULL
        ORDER BY d.due_at, d.id LIMIT w.retries FOR UPDATE SKIP LOCKED) h
),
-- As many of either kind as there is memory for: what comes before each leaves some.
fitting AS (
    SELECT s.id FROM (
        SELECT h.id, h.bytes,
               sum(e.size) OVER (PARTITION BY h.endpoint_id, h.state ORDER BY h.due_at, h.id
                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM (SELECT * FROM first_attempts UNION ALL SELECT * FROM retries) h
        CROSS JOIN LATERAL (
            SELECT octet_length(body) AS size FROM events WHERE id = h.event_id LIMIT 1) e
    ) s
    WHERE coalesce(s.before, 0) < s.bytes
),
claimed AS (
    UPDATE deliveries d
    SET due_at = now() + :lease_seconds::float8 * interval '1 second', lease_owner = :owner::uuid,
        may_have_begun = d.may_have_begun OR d.lease_owner IS NOT NULL
    WHERE d.id = ANY(ARRAY(SELECT id FROM fitting))
    RETURNING d.id, d.event_id, d.endpoint_id, d.order_id, d.sequence, d.attempts
)
SELECT c.id, c.event_id, c.endpoint_id, c.order_id, c.sequence, c.attempts, e.body, e.traceparent,
       EXISTS (SELECT FROM deliveries s
               WHERE s.endpoint_id = c.endpoint_id AND s.order_id = c.order_id
                 AND s.sequence > c.sequence
                 AND s.state IN ('pending', 'retrying', 'parked')) AS has_successors
FROM claimed c
CROSS JOIN LATERAL (
    SELECT body, traceparent, created_at FROM events WHERE id = c.event_id LIMIT 1) e
ORDER BY e.created_at, c.event_id;

-- name: leased_deliveries
-- tenants: all; only what this process leased
-- What this process holds of some endpoints; the end of a lease is where the index finds it.
SELECT id, endpoint_id FROM deliveries
WHERE endpoint_id = ANY(:endpoints::uuid[]) AND state IN ('pending', 'retrying')
  AND due_at BETWEEN now() AND now() + :lease_seconds::float8 * interval '1 second'
  AND lease_owner = :owner::uuid;

-- name: endpoints_with_work
-- tenants: all; the claimer works for every endpoint
-- Endpoints with a delivery that is due, or that are disabled and have one that is not parked (it
-- was stored at that moment, behind one that was): one index probe for each (a loose index scan),
-- however many deliveries they have.
WITH RECURSIVE waiting AS (
    (SELECT endpoint_id, state FROM deliveries
     WHERE state IN ('pending', 'retrying') ORDER BY endpoint_id, state LIMIT 1)
    UNION ALL
    SELECT n.endpoint_id, n.state FROM waiting w CROSS JOIN LATERAL (
        SELECT d.endpoint_id, d.state FROM deliveries d
        WHERE d.state IN ('pending', 'retrying')
          AND (d.endpoint_id, d.state) > (w.endpoint_id, w.state)
        ORDER BY d.endpoint_id, d.state LIMIT 1) n
)
SELECT DISTINCT w.endpoint_id FROM waiting w
WHERE EXISTS (SELECT FROM deliveries d
              WHERE d.endpoint_id = w.endpoint_id AND d.state = w.state AND d.due_at <= now()
                AND d.state IN ('pending', 'retrying'))
   OR EXISTS (SELECT FROM endpoints e WHERE e.id = w.endpoint_id AND e.state = 'disabled');

-- name: record_attempts!
-- tenants: all; outcomes of a flush are of many
-- Outcomes of attempts: every attempt is kept; deliveries move on; the successors of a failed one
-- are not due until it is finished (let_followers_go). A failure counts only under our lease: after it ran out somebody else is
-- at it. A success counts always. Successors that memory gave up lose their lease; one that is just
-- being stored keeps it, for memory may take it yet. What was superseded meanwhile stays so unless
-- it succeeded, and the return that waited for it may go.
WITH outcome AS (
    SELECT * FROM unnest(:deliveries::uuid[], :numbers::int[], :states::text[], :waits::float8[],
                         :ats::timestamptz[], :durations::int[], :statuses::int[],
                         :errors::text[], :heads::text[], :endpoints::uuid[], :urls::text[],
                         :signed::bigint[])
        AS o (id, number, state, wait, at, duration_ms, status, error, response_head, endpoint_id,
              url, signed_at)
),
logged AS (
    INSERT INTO attempts (delivery_id, number, at, duration_ms, status, error, response_head,
                          endpoint_id, url, signed_at)
    SELECT id, number, at, duration_ms, status, error, response_head, endpoint_id, url, signed_at
    FROM outcome
),
moved AS (
    UPDATE deliveries d
    SET state = CASE WHEN d.state = 'superseded' AND o.state <> 'delivered' THEN d.state
                     ELSE o.state END,
        attempts = o.number, lease_owner = NULL,
        due_at = CASE WHEN d.state = 'superseded' THEN now()
                      ELSE now() + o.wait * interval '1 second' END,
        delivered_at = CASE WHEN o.state = 'delivered' THEN now() END
    FROM outcome o
    WHERE d.id = o.id
      AND (d.state = 'superseded'
           OR d.state = 'cancelled' AND o.state = 'delivered'
           OR d.state IN ('pending', 'retrying', 'parked')
              AND (o.state = 'delivered' OR d.lease_owner = :owner::uuid))
    RETURNING d.endpoint_id, d.order_id, d.sequence, d.state, d.due_at,
              old.state = 'superseded' AS was_superseded
)
UPDATE deliveries d
SET lease_owner = NULL, due_at = CASE WHEN m.was_superseded THEN now() ELSE 'infinity' END
FROM moved m
WHERE (m.state = 'retrying' OR m.was_superseded)
  AND d.endpoint_id = m.endpoint_id AND d.order_id = m.order_id
  AND d.sequence > m.sequence AND d.state IN ('pending', 'retrying')
  AND (d.lease_owner IS NULL AND (d.due_at < 'infinity' OR m.was_superseded)
       OR d.id = ANY(:successors::uuid[]));

-- name: let_followers_go!
-- tenants: all; outcomes of a flush are of many
-- What is next in the lanes of deliveries that are finished is due. A statement of its own, in the
-- transaction that finished them: what was inserted behind them before they were locked is seen.
WITH next AS MATERIALIZED (
    SELECT n.id
    FROM unnest(:endpoints::uuid[], :orders::uuid[], :sequences::int[])
        AS f (endpoint_id, order_id, sequence)
    CROSS JOIN LATERAL (
        SELECT d.id, d.due_at, d.state, d.lease_owner FROM deliveries d
        WHERE d.endpoint_id = f.endpoint_id AND d.order_id = f.order_id
          AND d.sequence > f.sequence AND d.state IN ('pending', 'retrying', 'parked')
        ORDER BY d.sequence LIMIT 1) n
    WHERE n.due_at = 'infinity'
       -- A return that waited for the lease of what was under way before it.
       OR n.state = 'pending' AND n.lease_owner IS NULL AND n.due_at > now()
)
UPDATE deliveries SET due_at = now() WHERE id = ANY(ARRAY(SELECT id FROM next))
  AND (due_at = 'infinity' OR state = 'pending' AND lease_owner IS NULL);

-- name: release_deliveries!
-- tenants: all; only what this process leased
-- Leases given back before their time, so that nobody has to wait for their end. What has something
-- unfinished before it goes on waiting for that. Of what was cut off nobody knows whether it arrived.
-- Lane by lane, and each from its head on: whoever finishes the head comes before, or lets it go.
WITH lanes AS MATERIALIZED (
    SELECT endpoint_id, order_id, max(sequence) AS last FROM deliveries
    WHERE id = ANY(:ids::uuid[]) AND lease_owner = :owner::uuid
      AND state IN ('pending', 'retrying')
    GROUP BY order_id, endpoint_id ORDER BY order_id, endpoint_id
),
standing AS MATERIALIZED (
    SELECT u.* FROM lanes l CROSS JOIN LATERAL (
        SELECT d.id, d.endpoint_id, d.order_id, d.sequence, d.lease_owner, d.state
        FROM deliveries d
        WHERE d.endpoint_id = l.endpoint_id AND d.order_id = l.order_id AND d.sequence <= l.last
          AND d.state IN ('pending', 'retrying', 'parked')
        ORDER BY d.sequence FOR UPDATE) u
),
ranked AS (
    SELECT id, lease_owner, state,
           row_number() OVER (PARTITION BY endpoint_id, order_id ORDER BY sequence) = 1 AS is_head
    FROM standing
)
UPDATE deliveries d
SET lease_owner = NULL, due_at = CASE WHEN r.is_head THEN now() ELSE 'infinity' END,
    may_have_begun = d.may_have_begun OR d.id = ANY(:cut_off::uuid[])
FROM ranked r
WHERE d.id = r.id AND r.id = ANY(:ids::uuid[]) AND r.lease_owner = :owner::uuid
  AND r.state IN ('pending', 'retrying');

-- name: pause_endpoints!
-- tenants: all; the receivers themselves said so
-- The longest pause stays. The update is what other processes notice it by (endpoints_updated).
UPDATE endpoints e
SET paused_until = greatest(e.paused_until, p.paused_until), updated_at = now()
FROM unnest(:ids::uuid[], :untils::timestamptz[]) AS p (id, paused_until)
WHERE e.id = p.id AND p.paused_until > now();

-- name: lock_endpoints
-- tenants: all; the receivers themselves said that they are gone
SELECT id FROM endpoints WHERE id = ANY(:ids::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: disable_endpoints
-- tenants: all; the receivers themselves said so
-- The first reason stays. The update is what other processes notice it by (endpoints_updated).
UPDATE endpoints SET state = 'disabled', disabled_reason = :reason, updated_at = now()
WHERE id = ANY(:ids::uuid[]) AND state = 'enabled'
RETURNING id;

-- name: park_deliveries!
-- tenants: all; of endpoints that are disabled
-- Kept, in order, until somebody enables the endpoint. Who believes that it is disabled may be late:
-- the lock makes enabling and parking follow one another. What somebody holds may be under way.
-- Locked lane by lane, as everywhere.
WITH disabled AS MATERIALIZED (
    SELECT id FROM endpoints WHERE id = ANY(:ids::uuid[]) AND state = 'disabled'
    ORDER BY id FOR SHARE
),
unfinished AS MATERIALIZED (
    SELECT id FROM deliveries
    WHERE endpoint_id = ANY(ARRAY(SELECT id FROM disabled)) AND state IN ('pending', 'retrying')
    ORDER BY order_id, endpoint_id, sequence FOR UPDATE
)
UPDATE deliveries
SET state = 'parked', lease_owner = NULL,
    may_have_begun = may_have_begun OR lease_owner IS NOT NULL
WHERE id = ANY(ARRAY(SELECT id FROM unfinished));

-- name: enable_endpoints!
-- tenants: all; what newer settings name
UPDATE endpoints SET state = 'enabled', disabled_reason = NULL, updated_at = now()
WHERE id = ANY(:ids::uuid[]) AND state = 'disabled';

-- name: forget_pauses!
-- tenants: all; endpoints that send somewhere else now
UPDATE endpoints SET paused_until = NULL, updated_at = now()
WHERE id = ANY(:ids::uuid[]) AND paused_until IS NOT NULL;

-- name: hurry_retries!
-- tenants: all; endpoints that send somewhere else now
-- What waited for the next attempt; followers wait for their head as ever.
WITH waiting AS MATERIALIZED (
    SELECT id FROM deliveries
    WHERE endpoint_id = ANY(:ids::uuid[]) AND state = 'retrying' AND lease_owner IS NULL
        AND due_at > now() AND due_at <> 'infinity'
    ORDER BY order_id, endpoint_id, sequence FOR UPDATE
)
UPDATE deliveries SET due_at = now() WHERE id = ANY(ARRAY(SELECT id FROM waiting));

-- name: enable_endpoint_of_owner^
-- The update is what processes notice it by, also when it was enabled already.
UPDATE endpoints
SET state = 'enabled', disabled_reason = NULL, paused_until = NULL, updated_at = now()
WHERE id = :endpoint_id AND :account IN (three_pl_id, brand_id)
  AND sealed_secrets <> '{}'  -- Neither deleted nor erased.
RETURNING id, connection_id, store_id, coalesce(masked_url, url) AS url, sends_to, state,
    disabled_reason, paused_until, updated_at, event_types, store_ids, description, version;

-- name: endpoints_of_three_pl
SELECT id, connection_id, store_id, coalesce(masked_url, url) AS url, sends_to, state,
       disabled_reason,
       CASE WHEN paused_until > now() THEN paused_until END AS paused_until, updated_at,
       event_types, store_ids, description, version
FROM endpoints
WHERE three_pl_id = :account AND (:after::uuid IS NULL OR id < :after)
ORDER BY id DESC LIMIT :limit;

-- name: endpoints_of_brand
SELECT id, connection_id, store_id, coalesce(masked_url, url) AS url, sends_to, state,
       disabled_reason,
       CASE WHEN paused_until > now() THEN paused_until END AS paused_until, updated_at,
       event_types, store_ids, description, version
FROM endpoints
WHERE brand_id = :account AND deleted_at IS NULL AND (:after::uuid IS NULL OR id < :after)
ORDER BY id DESC LIMIT :limit;

-- name: endpoint_of_owner^
SELECT id, connection_id, store_id, coalesce(masked_url, url) AS url, sends_to, state,
       disabled_reason,
       CASE WHEN paused_until > now() THEN paused_until END AS paused_until, updated_at,
       event_types, store_ids, description, version
FROM endpoints
WHERE id = :endpoint_id AND :account IN (three_pl_id, brand_id) AND deleted_at IS NULL;

-- name: unpark_deliveries!
-- tenants: all; of endpoints that are enabled
-- They go on where they were: in order, with the attempts that are left. Locked lane by lane, as
-- everywhere.
WITH parked AS MATERIALIZED (
    SELECT id FROM deliveries
    WHERE endpoint_id = ANY(ARRAY(SELECT id FROM endpoints
                                  WHERE id = ANY(:ids::uuid[]) AND state = 'enabled'))
      AND state = 'parked'
    ORDER BY order_id, endpoint_id, sequence FOR UPDATE
)
UPDATE deliveries
SET state = CASE WHEN attempts = 0 THEN 'pending' ELSE 'retrying' END,
    due_at = CASE WHEN due_at = 'infinity' THEN due_at ELSE now() END
WHERE id = ANY(ARRAY(SELECT id FROM parked));

-- name: backlog^
-- tenants: all; a metric of the service
-- What is unfinished, counted up to a limit that keeps this cheap, and the age of its oldest.
SELECT count(*) AS deliveries,
       coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds
FROM (SELECT created_at FROM deliveries WHERE state IN ('pending', 'retrying')
      LIMIT :limit::int) unfinished;

-- name: deliveries_of_three_pl
-- A page by events_of_three_pl_by_time, newest event first. An event rarely has more than one
-- delivery: the first bound is what the index is entered by, the second drops what was shown.
SELECT * FROM delivery_details
WHERE three_pl_id = :account AND NOT is_brands
  AND (:after_at::timestamptz IS NULL
       OR (event_at, event_id) <= (:after_at, :after_event::uuid)
          AND (event_at, event_id, id) < (:after_at, :after_event, :after_delivery::uuid))
  AND (:connection::uuid IS NULL OR connection_id = :connection)
  AND (:order::uuid IS NULL OR order_id = :order)
  AND (:state::text IS NULL OR state = :state)
  AND (:endpoint::uuid IS NULL OR endpoint_id = :endpoint)
  AND (:type::text IS NULL OR type = :type)
  AND (:created_after::timestamptz IS NULL OR event_at >= :created_after)
  AND (:created_before::timestamptz IS NULL OR event_at < :created_before)
ORDER BY event_at DESC, event_id DESC, id DESC LIMIT :limit;

-- name: deliveries_of_brand
-- A page by events_of_brand_by_time. A query of its own: with an OR over both columns no index has the
-- order of the page.
SELECT * FROM delivery_details
WHERE brand_id = :account
  AND (:after_at::timestamptz IS NULL
       OR (event_at, event_id) <= (:after_at, :after_event::uuid)
          AND (event_at, event_id, id) < (:after_at, :after_event, :after_delivery::uuid))
  AND (:connection::uuid IS NULL OR connection_id = :connection)
  AND (:order::uuid IS NULL OR order_id = :order)
  AND (:state::text IS NULL OR state = :state)
  AND (:endpoint::uuid IS NULL OR endpoint_id = :endpoint)
  AND (:type::text IS NULL OR type = :type)
  AND (:created_after::timestamptz IS NULL OR event_at >= :created_after)
  AND (:created_before::timestamptz IS NULL OR event_at < :created_before)
ORDER BY event_at DESC, event_id DESC, id DESC LIMIT :limit;

-- name: delivery_of_party^
-- The body besides, which lists must not fetch: it may be large.
SELECT details.*, events.body, events.traceparent
FROM delivery_details details JOIN events ON events.id = details.event_id
WHERE details.id = :delivery_id AND :account IN (details.three_pl_id, details.brand_id)
  AND (details.brand_id = :account OR NOT details.is_brands);

-- name: attempts_of_delivery
-- tenants: whoever asks was shown the delivery in the same session (delivery_of_party)
-- In the order of writing: two may have one number, see the table.
SELECT * FROM attempts WHERE delivery_id = :delivery_id ORDER BY id;
