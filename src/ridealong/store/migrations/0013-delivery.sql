-- Delivery: a feed of events that can be read again, mail and Slack beside webhooks, a log of attempts, templates by audience.

-- Which template a report for an audience is rendered by; without a row the one that has the audience's name.
CREATE TABLE ridealong.audience_template (
    tenant_id uuid NOT NULL,
    audience text NOT NULL,
    form text NOT NULL,
    template text NOT NULL,
    PRIMARY KEY (tenant_id, audience, form),
    CONSTRAINT audience_template_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT audience_template_names_an_audience CHECK (audience ~ '\S' AND template ~ '\S')
);

-- What happened to calls, as a feed that can be read again from any place. Written in the transaction of what it tells of;
-- numbered afterwards, by who reads it: whoever has seen a position has seen all before it, in whatever order they came.
CREATE TABLE ridealong.event (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL DEFAULT gen_random_uuid(),
    arrival bigint GENERATED ALWAYS AS IDENTITY,
    position bigint,
    type text NOT NULL,
    call_id uuid NOT NULL,
    -- Of what: the review of `review.done`, the moment of `moment.found`.
    subject_id uuid,
    happened_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, event_id),
    CONSTRAINT event_has_a_position_of_its_own UNIQUE (tenant_id, position),
    CONSTRAINT event_type_is_known CHECK (type IN ('call.ended', 'review.done', 'moment.found')),
    CONSTRAINT event_is_about_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call ON DELETE CASCADE
);

CREATE INDEX event_without_a_position ON ridealong.event (tenant_id, arrival) WHERE position IS NULL;
CREATE INDEX event_of_a_call ON ridealong.event (tenant_id, call_id);

-- How far the tenant's events are numbered. A row of its own: positions of what was erased are not given again.
CREATE TABLE ridealong.event_count (
    tenant_id uuid PRIMARY KEY,
    numbered bigint NOT NULL DEFAULT 0,
    CONSTRAINT event_count_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT event_count_only_grows_from_zero CHECK (numbered >= 0)
);

ALTER TABLE ridealong.webhook
    ADD COLUMN kind text NOT NULL DEFAULT 'webhook',
    ADD COLUMN audience text NOT NULL DEFAULT 'manager',
    DROP CONSTRAINT webhook_events_are_known,
    ADD CONSTRAINT webhook_events_are_known CHECK
        (cardinality(events) > 0 AND events <@ ARRAY['call.ended', 'review.done', 'moment.found']),
    ADD CONSTRAINT webhook_kind_is_known CHECK (kind IN ('webhook', 'slack', 'email')),
    ADD CONSTRAINT webhook_sends_a_report_when_there_is_one CHECK (kind = 'webhook' OR events = ARRAY['review.done']),
    ADD CONSTRAINT webhook_mails_to_an_address CHECK ((kind = 'email') = (url LIKE 'mailto:%'));

-- What waits keeps its name: its event is called as the delivery was. Of all tenants, so for once without the row filter.
ALTER TABLE ridealong.webhook_delivery NO FORCE ROW LEVEL SECURITY;
INSERT INTO ridealong.event (tenant_id, event_id, type, call_id, happened_at)
    SELECT tenant_id, delivery_id, event, call_id, happened_at FROM ridealong.webhook_delivery;
ALTER TABLE ridealong.webhook_delivery
    ADD COLUMN event_id uuid,
    ADD COLUMN recipient text NOT NULL DEFAULT '',
    ADD COLUMN status text NOT NULL DEFAULT 'waiting',
    ADD COLUMN settled_at timestamptz;
UPDATE ridealong.webhook_delivery SET event_id = delivery_id;
ALTER TABLE ridealong.webhook_delivery FORCE ROW LEVEL SECURITY;
ALTER TABLE ridealong.webhook_delivery
    ALTER COLUMN event_id SET NOT NULL,
    ADD CONSTRAINT webhook_delivery_tells_of_an_event FOREIGN KEY (tenant_id, event_id) REFERENCES ridealong.event ON DELETE CASCADE,
    ADD CONSTRAINT webhook_delivery_status_is_known CHECK (status IN ('waiting', 'delivered', 'dead')),
    ADD CONSTRAINT webhook_delivery_that_is_settled_is_due_no_more CHECK
        (CASE status WHEN 'waiting' THEN settled_at IS NULL ELSE settled_at IS NOT NULL AND due_at = 'infinity' END);
CREATE INDEX webhook_delivery_of_an_event ON ridealong.webhook_delivery (tenant_id, event_id);

-- Each attempt to deliver, for who looks why something did not arrive. What the other side answered is not kept.
CREATE TABLE ridealong.webhook_attempt (
    tenant_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    attempt integer NOT NULL,
    tried_at timestamptz NOT NULL DEFAULT now(),
    -- The status of HTTP or SMTP; NULL where there was no answer.
    answer integer,
    outcome text NOT NULL,
    duration_ms integer NOT NULL,
    PRIMARY KEY (tenant_id, delivery_id, attempt),
    CONSTRAINT webhook_attempt_belongs_to_a_delivery FOREIGN KEY (tenant_id, delivery_id)
        REFERENCES ridealong.webhook_delivery ON DELETE CASCADE,
    CONSTRAINT webhook_attempt_outcome_is_known CHECK (outcome IN ('taken', 'refused', 'not reached', 'too late', 'not made')),
    CONSTRAINT webhook_attempt_takes_time CHECK (duration_ms >= 0)
);

-- Whom an e-mail about a call goes to, one row each, so that each is tried by itself; of other kinds one row without.
CREATE FUNCTION ridealong.recipients_of(kind text, url text, call uuid) RETURNS TABLE (recipient text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $recipients$
    SELECT '' WHERE kind <> 'email'
    UNION
    SELECT m.email FROM ridealong.member m JOIN ridealong.call c ON c.tenant_id = m.tenant_id AND c.rep_id = m.rep_id
    WHERE kind = 'email' AND url = 'mailto:rep' AND c.call_id = call AND m.tenant_id = ridealong.current_tenant()
        AND m.disabled_at IS NULL
    UNION
    SELECT m.email FROM ridealong.member m WHERE kind = 'email' AND url = 'mailto:managers' AND m.role IN ('manager', 'admin')
        AND m.tenant_id = ridealong.current_tenant() AND m.disabled_at IS NULL
    UNION
    SELECT substr(url, 8) WHERE kind = 'email' AND url NOT IN ('mailto:rep', 'mailto:managers');
$recipients$;

CREATE OR REPLACE FUNCTION ridealong.tell_webhooks() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tell$
DECLARE
    subject uuid;
    told uuid;
BEGIN
    IF TG_ARGV[0] = 'review.done' THEN
        subject := NEW.review_id;
    ELSIF TG_ARGV[0] = 'moment.found' THEN
        subject := NEW.moment_id;
    END IF;
    INSERT INTO ridealong.event (tenant_id, type, call_id, subject_id) VALUES (NEW.tenant_id, TG_ARGV[0], NEW.call_id, subject)
    RETURNING event_id INTO told;
    INSERT INTO ridealong.webhook_delivery (tenant_id, webhook_id, event, call_id, event_id, recipient)
    SELECT w.tenant_id, w.webhook_id, TG_ARGV[0], NEW.call_id, told, r.recipient
    FROM ridealong.webhook w CROSS JOIN LATERAL ridealong.recipients_of(w.kind, w.url, NEW.call_id) r
    WHERE w.tenant_id = NEW.tenant_id AND w.active AND TG_ARGV[0] = ANY (w.events);
    RETURN NULL;
END;
$tell$;

CREATE TRIGGER moment_that_was_found_is_told AFTER INSERT ON ridealong.moment FOR EACH ROW
    EXECUTE FUNCTION ridealong.tell_webhooks('moment.found');

-- As for all tables: the planner's samples would keep values after their tenant was erased.
ALTER TABLE ridealong.audience_template
    ALTER COLUMN audience SET STATISTICS 0,
    ALTER COLUMN form SET STATISTICS 0,
    ALTER COLUMN template SET STATISTICS 0;
ALTER TABLE ridealong.webhook ALTER COLUMN audience SET STATISTICS 0;
ALTER TABLE ridealong.webhook_delivery ALTER COLUMN recipient SET STATISTICS 0;
ALTER TABLE ridealong.webhook_attempt ALTER COLUMN outcome SET STATISTICS 0;

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['audience_template', 'event', 'event_count', 'webhook_attempt']
    LOOP
        EXECUTE format('ALTER TABLE ridealong.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ridealong.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_current_tenant ON ridealong.%I '
            'USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant())', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.%I TO ridealong_app', name);
    END LOOP;
    CREATE POLICY own_calls_only ON ridealong.event AS RESTRICTIVE TO ridealong_app
        USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c
        WHERE c.tenant_id = event.tenant_id AND c.call_id = event.call_id));
    CREATE POLICY own_calls_only ON ridealong.webhook_attempt AS RESTRICTIVE TO ridealong_app
        USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.webhook_delivery d
        WHERE d.tenant_id = webhook_attempt.tenant_id AND d.delivery_id = webhook_attempt.delivery_id));
END;
$policies$;

REVOKE ALL ON FUNCTION ridealong.recipients_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.recipients_of TO ridealong_app;
