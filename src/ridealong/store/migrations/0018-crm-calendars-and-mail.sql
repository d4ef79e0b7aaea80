-- A tenant's CRM (what is written there, and what it tells of a call), its calendars, and its own mail server.

-- A tenant's CRM: one. The secret (a token, or the secret of an OAuth client) is sealed by the application, bound to tenant,
-- vendor and address. `mapping` is the tenant's YAML document.
CREATE TABLE ridealong.crm_account (
    tenant_id uuid PRIMARY KEY,
    vendor text NOT NULL,
    url text NOT NULL,
    -- Of Salesforce's client credentials; empty where the secret is a token.
    client_id text NOT NULL DEFAULT '',
    sealed_secret bytea NOT NULL,
    secret_set_at timestamptz NOT NULL DEFAULT now(),
    write_back boolean NOT NULL DEFAULT true,
    mapping text NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT crm_account_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT crm_account_vendor_is_known CHECK (vendor IN ('hubspot', 'salesforce')),
    CONSTRAINT crm_account_has_an_address CHECK (url ~ '^https?://'),
    CONSTRAINT crm_account_secret_is_sealed CHECK (octet_length(sealed_secret) > 33)
);

-- What a call is in the CRM, and what is still to be written of it. One row a call, so that two writers of one call wait for
-- each other, and a note is made once. Goes with its call, so that erasing a call needs to know nothing about it.
CREATE TABLE ridealong.crm_call (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    vendor text NOT NULL,
    deal_id text NOT NULL DEFAULT '',
    -- A person's word stays; what was found may be found anew.
    deal_by_person boolean NOT NULL DEFAULT false,
    note_id text NOT NULL DEFAULT '',
    -- SHA-256 of the note as it was written last: an equal one is not written again.
    note_digest bytea,
    status text NOT NULL DEFAULT 'linked',
    -- Grows with each wish to write: what is wished for while a writing is under way is not lost.
    wishes integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT 'infinity',
    settled_at timestamptz,
    PRIMARY KEY (tenant_id, call_id),
    CONSTRAINT crm_call_is_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call ON DELETE CASCADE,
    CONSTRAINT crm_call_vendor_is_known CHECK (vendor IN ('hubspot', 'salesforce')),
    CONSTRAINT crm_call_status_is_known CHECK (status IN ('linked', 'waiting', 'written', 'partly', 'dead')),
    CONSTRAINT crm_call_that_waits_is_due CHECK ((status = 'waiting') = (due_at <> 'infinity')),
    CONSTRAINT crm_call_note_digest_is_sha256 CHECK (octet_length(note_digest) = 32)
);

CREATE INDEX crm_call_that_is_due ON ridealong.crm_call (due_at) WHERE status = 'waiting';
CREATE INDEX crm_call_of_a_deal ON ridealong.crm_call (tenant_id, vendor, deal_id) WHERE deal_id <> '';

-- Each attempt to write, for who looks why something did not arrive. `reason` and `properties` are our words and the names
-- of the CRM's properties; what the CRM answered is not kept, and nothing that was said.
CREATE TABLE ridealong.crm_attempt (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    attempt_id uuid NOT NULL DEFAULT gen_random_uuid(),
    tried_at timestamptz NOT NULL DEFAULT now(),
    outcome text NOT NULL,
    reason text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT 'untouched',
    written text[] NOT NULL DEFAULT '{}',
    -- Somebody wrote into these by hand, and their words stayed.
    kept text[] NOT NULL DEFAULT '{}',
    -- These could not be written: the CRM lacks them, or they hold no text.
    missing text[] NOT NULL DEFAULT '{}',
    answer integer,
    duration_ms integer NOT NULL,
    PRIMARY KEY (tenant_id, attempt_id),
    CONSTRAINT crm_attempt_is_of_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.crm_call ON DELETE CASCADE,
    CONSTRAINT crm_attempt_outcome_is_known CHECK (outcome IN ('written', 'unchanged', 'partly', 'failed')),
    CONSTRAINT crm_attempt_note_is_known CHECK (note IN ('untouched', 'made', 'rewritten')),
    CONSTRAINT crm_attempt_that_failed_says_why CHECK (outcome <> 'failed' OR reason <> ''),
    CONSTRAINT crm_attempt_takes_time CHECK (duration_ms >= 0)
);

CREATE INDEX crm_attempt_of_a_call ON ridealong.crm_attempt (tenant_id, call_id, tried_at);

-- What we wrote last into a property of a deal, as SHA-256 of its words: what differs now was written by somebody else.
CREATE TABLE ridealong.crm_value (
    tenant_id uuid NOT NULL,
    vendor text NOT NULL,
    deal_id text NOT NULL,
    property text NOT NULL,
    digest bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, vendor, deal_id, property),
    CONSTRAINT crm_value_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT crm_value_digest_is_sha256 CHECK (octet_length(digest) = 32)
);

-- Who said a value of a call's context. A value without a row was said by whoever began the call. A person's word is kept
-- where it says that there is nothing to say. Goes with its call.
CREATE TABLE ridealong.call_context_source (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    part text NOT NULL,
    source text NOT NULL,
    detail text NOT NULL DEFAULT '',
    stated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, call_id, part),
    CONSTRAINT call_context_source_is_of_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call ON DELETE CASCADE,
    CONSTRAINT call_context_source_part_is_known CHECK (part IN ('customer', 'deal', 'call_type', 'stage')),
    CONSTRAINT call_context_source_is_known CHECK (source IN ('person', 'crm', 'calendar')),
    CONSTRAINT call_context_source_detail_is_short CHECK (char_length(detail) <= 500)
);

-- How meetings are read. `call_types`: pairs of a type and the words of a title that mean it, the first that fits first.
CREATE TABLE ridealong.calendar_setting (
    tenant_id uuid PRIMARY KEY,
    own_domains text[] NOT NULL DEFAULT '{}',
    call_types jsonb NOT NULL DEFAULT '[]',
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT calendar_setting_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE
);

-- A calendar that is read by its address. Whoever knows such an address reads the calendar: it is sealed.
CREATE TABLE ridealong.calendar_feed (
    tenant_id uuid NOT NULL,
    feed_id uuid NOT NULL,
    label text NOT NULL,
    -- Whose calendar it is; empty: of several reps, told apart by the addresses of those who take part.
    rep_id text NOT NULL DEFAULT '',
    host text NOT NULL,
    sealed_url bytea NOT NULL,
    last_at timestamptz,
    -- Why it could not be read last; empty when it could.
    last_fault text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, feed_id),
    CONSTRAINT calendar_feed_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT calendar_feed_address_is_sealed CHECK (octet_length(sealed_url) > 33)
);

-- An invitation that was sent to us (RFC 5546), by its id: a newer one takes its place, a cancellation takes it out.
CREATE TABLE ridealong.calendar_invitation (
    tenant_id uuid NOT NULL,
    uid text NOT NULL,
    sequence integer NOT NULL,
    body text NOT NULL,
    starts_at timestamptz NOT NULL,
    -- NULL: repeated without an end.
    ends_at timestamptz,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, uid),
    CONSTRAINT calendar_invitation_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE
);

CREATE INDEX calendar_invitation_by_time ON ridealong.calendar_invitation (tenant_id, starts_at);

-- A tenant's own mail server, in place of the operator's.
CREATE TABLE ridealong.mail_account (
    tenant_id uuid PRIMARY KEY,
    host text NOT NULL,
    port integer NOT NULL,
    security text NOT NULL,
    user_name text NOT NULL DEFAULT '',
    sealed_password bytea,
    sender text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mail_account_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT mail_account_port_is_one CHECK (port BETWEEN 1 AND 65535),
    CONSTRAINT mail_account_security_is_known CHECK (security IN ('starttls', 'tls', 'none')),
    CONSTRAINT mail_account_password_is_sealed CHECK (octet_length(sealed_password) > 33),
    CONSTRAINT mail_account_password_is_not_sent_readable CHECK (security <> 'none' OR sealed_password IS NULL)
);

-- A review that is done is written to the tenant's CRM: the wish stands in the transaction of the review.
CREATE FUNCTION ridealong.wish_for_crm() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $wish$
BEGIN
    INSERT INTO ridealong.crm_call (tenant_id, call_id, vendor, status, wishes, due_at)
    SELECT a.tenant_id, NEW.call_id, a.vendor, 'waiting', 1, now() FROM ridealong.crm_account a
    WHERE a.tenant_id = NEW.tenant_id AND a.write_back
    ON CONFLICT (tenant_id, call_id) DO UPDATE SET status = 'waiting', due_at = now(), settled_at = NULL,
        wishes = crm_call.wishes + 1, attempts = 0;
    RETURN NULL;
END;
$wish$;

CREATE TRIGGER review_that_is_done_is_written_to_the_crm AFTER UPDATE OF status ON ridealong.review FOR EACH ROW
    WHEN (OLD.status <> 'finished' AND NEW.status = 'finished') EXECUTE FUNCTION ridealong.wish_for_crm();

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['crm_account', 'crm_call', 'crm_attempt', 'crm_value', 'call_context_source', 'calendar_setting',
        'calendar_feed', 'calendar_invitation', 'mail_account']
    LOOP
        EXECUTE format('ALTER TABLE ridealong.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ridealong.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_current_tenant ON ridealong.%I '
            'USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant())', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.%I TO ridealong_app', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['crm_call', 'crm_attempt', 'call_context_source']
    LOOP
        EXECUTE format('CREATE POLICY own_calls_only ON ridealong.%1$I AS RESTRICTIVE TO ridealong_app '
            'USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c '
            'WHERE c.tenant_id = %1$I.tenant_id AND c.call_id = %1$I.call_id))', name);
    END LOOP;
    CREATE POLICY what_the_lookups_need ON ridealong.crm_call FOR SELECT TO ridealong_lookup USING (true);
    GRANT SELECT ON ridealong.crm_call TO ridealong_lookup;
END;
$policies$;

-- As for all tables: the planner's samples would keep values after their call was erased.
DO $samples$
DECLARE
    name record;
BEGIN
    FOR name IN
        SELECT a.attrelid::regclass AS relation, a.attname FROM pg_attribute a
        WHERE a.attrelid = ANY (ARRAY['ridealong.crm_account', 'ridealong.crm_call', 'ridealong.crm_attempt',
            'ridealong.crm_value', 'ridealong.call_context_source', 'ridealong.calendar_setting', 'ridealong.calendar_feed',
            'ridealong.calendar_invitation', 'ridealong.mail_account']::regclass[])
        AND a.attnum > 0 AND NOT a.attisdropped
        AND a.atttypid IN ('text'::regtype, 'text[]'::regtype, 'bytea'::regtype, 'jsonb'::regtype)
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', name.relation, name.attname);
    END LOOP;
END;
$samples$;

CREATE FUNCTION ridealong.due_crm_calls(wanted integer) RETURNS TABLE (tenant_id uuid, call_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT c.tenant_id, c.call_id FROM ridealong.crm_call c WHERE c.status = 'waiting' AND c.due_at <= now()
    ORDER BY c.due_at LIMIT wanted;
$lookup$;

REVOKE ALL ON FUNCTION ridealong.due_crm_calls FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.due_crm_calls TO ridealong_app;

-- The new owner of a function needs CREATE on its schema, at that moment only.
GRANT CREATE ON SCHEMA ridealong TO ridealong_lookup;
ALTER FUNCTION ridealong.due_crm_calls OWNER TO ridealong_lookup;
REVOKE CREATE ON SCHEMA ridealong FROM ridealong_lookup;
