-- What a tenant's admin chooses: how long calls are kept, how consent is asked for, who is told.

-- What a tenant's admin chose; without a row, and where it is NULL: as the product comes.
CREATE TABLE ridealong.tenant_setting (
    tenant_id uuid PRIMARY KEY,
    retention_days integer,
    default_rubric text,
    default_template text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenant_setting_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT tenant_setting_keeps_calls_for_a_day_at_least CHECK (retention_days >= 1)
);

-- How consent to record is asked for, by region, in the order in which they are shown.
CREATE TABLE ridealong.consent_wording (
    tenant_id uuid NOT NULL,
    region text NOT NULL,
    position smallint NOT NULL,
    wording text NOT NULL,
    PRIMARY KEY (tenant_id, region),
    CONSTRAINT consent_wording_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT consent_wording_says_something CHECK (region ~ '\S' AND wording ~ '\S')
);

-- Whom a tenant wants told. The secret that signs is sealed by the application, bound to tenant and webhook.
CREATE TABLE ridealong.webhook (
    tenant_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    sealed_secret bytea NOT NULL,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_status integer,
    last_at timestamptz,
    PRIMARY KEY (tenant_id, webhook_id),
    CONSTRAINT webhook_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT webhook_events_are_known CHECK (cardinality(events) > 0 AND events <@ ARRAY['call.ended', 'review.done']),
    CONSTRAINT webhook_secret_is_sealed CHECK (octet_length(sealed_secret) > 33)
);

-- What is still to be told: written in the transaction of what it tells of, gone when it was taken or given up.
CREATE TABLE ridealong.webhook_delivery (
    tenant_id uuid NOT NULL,
    delivery_id uuid NOT NULL DEFAULT gen_random_uuid(),
    webhook_id uuid NOT NULL,
    event text NOT NULL,
    call_id uuid NOT NULL,
    happened_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, delivery_id),
    CONSTRAINT webhook_delivery_belongs_to_a_webhook FOREIGN KEY (tenant_id, webhook_id) REFERENCES ridealong.webhook
        ON DELETE CASCADE,
    -- Goes with its call, so that erasing a call needs to know nothing about it.
    CONSTRAINT webhook_delivery_is_about_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call ON DELETE CASCADE
);

CREATE INDEX webhook_delivery_that_is_due ON ridealong.webhook_delivery (due_at);
CREATE INDEX webhook_delivery_of_a_webhook ON ridealong.webhook_delivery (tenant_id, webhook_id);
CREATE INDEX webhook_delivery_of_a_call ON ridealong.webhook_delivery (tenant_id, call_id);

CREATE FUNCTION ridealong.tell_webhooks() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tell$
BEGIN
    INSERT INTO ridealong.webhook_delivery (tenant_id, webhook_id, event, call_id)
    SELECT w.tenant_id, w.webhook_id, TG_ARGV[0], NEW.call_id FROM ridealong.webhook w
    WHERE w.tenant_id = NEW.tenant_id AND w.active AND TG_ARGV[0] = ANY (w.events);
    RETURN NULL;
END;
$tell$;

CREATE TRIGGER call_that_ended_is_told AFTER UPDATE OF status ON ridealong.call FOR EACH ROW
    WHEN (OLD.status = 'live' AND NEW.status = 'ended') EXECUTE FUNCTION ridealong.tell_webhooks('call.ended');
CREATE TRIGGER review_that_is_done_is_told AFTER UPDATE OF status ON ridealong.review FOR EACH ROW
    WHEN (OLD.status <> 'finished' AND NEW.status = 'finished') EXECUTE FUNCTION ridealong.tell_webhooks('review.done');

-- As for all tables: the planner's samples would keep values after their tenant was erased.
ALTER TABLE ridealong.tenant_setting
    ALTER COLUMN default_rubric SET STATISTICS 0,
    ALTER COLUMN default_template SET STATISTICS 0;
ALTER TABLE ridealong.consent_wording
    ALTER COLUMN region SET STATISTICS 0,
    ALTER COLUMN wording SET STATISTICS 0;
ALTER TABLE ridealong.webhook
    ALTER COLUMN url SET STATISTICS 0,
    ALTER COLUMN events SET STATISTICS 0,
    ALTER COLUMN sealed_secret SET STATISTICS 0;
ALTER TABLE ridealong.webhook_delivery
    ALTER COLUMN event SET STATISTICS 0;

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenant_setting', 'consent_wording', 'webhook', 'webhook_delivery']
    LOOP
        EXECUTE format('ALTER TABLE ridealong.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ridealong.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_current_tenant ON ridealong.%I '
            'USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant())', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.%I TO ridealong_app', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['tenant_setting', 'webhook_delivery']
    LOOP
        EXECUTE format('CREATE POLICY what_the_lookups_need ON ridealong.%I FOR SELECT TO ridealong_lookup USING (true)', name);
        EXECUTE format('GRANT SELECT ON ridealong.%I TO ridealong_lookup', name);
    END LOOP;
    CREATE POLICY own_calls_only ON ridealong.webhook_delivery AS RESTRICTIVE TO ridealong_app
        USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c
        WHERE c.tenant_id = webhook_delivery.tenant_id AND c.call_id = webhook_delivery.call_id));
END;
$policies$;

CREATE FUNCTION ridealong.retentions() RETURNS TABLE (tenant_id uuid, retention_days integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT s.tenant_id, s.retention_days FROM ridealong.tenant_setting s WHERE s.retention_days IS NOT NULL;
$lookup$;

CREATE FUNCTION ridealong.due_deliveries(wanted integer) RETURNS TABLE (tenant_id uuid, delivery_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT d.tenant_id, d.delivery_id FROM ridealong.webhook_delivery d WHERE d.due_at <= now() ORDER BY d.due_at LIMIT wanted;
$lookup$;

REVOKE ALL ON FUNCTION ridealong.retentions, ridealong.due_deliveries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.retentions, ridealong.due_deliveries TO ridealong_app;

GRANT CREATE ON SCHEMA ridealong TO ridealong_lookup;
ALTER FUNCTION ridealong.retentions OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.due_deliveries OWNER TO ridealong_lookup;
REVOKE CREATE ON SCHEMA ridealong FROM ridealong_lookup;
