-- People sign in: members, their sessions and invitations; and a rep sees own calls only.

-- The one rep whose calls the transaction may see; NULL: all calls of the tenant.
CREATE FUNCTION ridealong.current_rep() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('ridealong.rep', true), '');

-- Who signs in. An address belongs to one person of one tenant: signing in asks for nothing else.
CREATE TABLE ridealong.member (
    tenant_id uuid NOT NULL REFERENCES ridealong.tenant,
    member_id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    rep_id text NOT NULL,
    password_hash text,
    oidc_subject text,
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz,
    PRIMARY KEY (tenant_id, member_id),
    CONSTRAINT member_email_is_taken UNIQUE (email),
    CONSTRAINT member_oidc_subject_is_taken UNIQUE (oidc_subject),
    CONSTRAINT member_has_a_rep_of_the_tenant FOREIGN KEY (tenant_id, rep_id) REFERENCES ridealong.rep,
    CONSTRAINT member_email_is_an_address_in_lower_case CHECK (email ~ '^[^@\s]+@[^@\s]+$' AND email = lower(email)),
    CONSTRAINT member_name_is_not_empty CHECK (name ~ '\S'),
    CONSTRAINT member_role_is_known CHECK (role IN ('rep', 'manager', 'admin')),
    CONSTRAINT member_password_is_hashed_with_argon2id CHECK (password_hash LIKE '$argon2id$%'),
    CONSTRAINT member_oidc_subject_is_not_empty CHECK (oidc_subject <> '')
);

CREATE TABLE ridealong.session (
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    member_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, session_id),
    CONSTRAINT session_token_is_unique UNIQUE (token_hash),
    CONSTRAINT session_token_is_kept_as_sha256 CHECK (octet_length(token_hash) = 32),
    CONSTRAINT session_belongs_to_a_member FOREIGN KEY (tenant_id, member_id) REFERENCES ridealong.member ON DELETE CASCADE
);

CREATE INDEX session_of_a_member ON ridealong.session (tenant_id, member_id);

-- A link with which a member sets the password, once.
CREATE TABLE ridealong.invite (
    tenant_id uuid NOT NULL,
    member_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, member_id),
    CONSTRAINT invite_token_is_unique UNIQUE (token_hash),
    CONSTRAINT invite_token_is_kept_as_sha256 CHECK (octet_length(token_hash) = 32),
    CONSTRAINT invite_belongs_to_a_member FOREIGN KEY (tenant_id, member_id) REFERENCES ridealong.member ON DELETE CASCADE
);

ALTER TABLE ridealong.token ADD COLUMN label text NOT NULL DEFAULT '';
CREATE INDEX call_of_a_rep ON ridealong.call (tenant_id, rep_id, started_at DESC);

-- As for all tables: the planner's samples would keep values after their tenant was erased.
ALTER TABLE ridealong.member
    ALTER COLUMN email SET STATISTICS 0,
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN password_hash SET STATISTICS 0,
    ALTER COLUMN oidc_subject SET STATISTICS 0;
ALTER TABLE ridealong.token
    ALTER COLUMN label SET STATISTICS 0;

ALTER TABLE ridealong.member ENABLE ROW LEVEL SECURITY;
ALTER TABLE ridealong.member FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_current_tenant ON ridealong.member
    USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant());
CREATE POLICY what_the_lookups_need ON ridealong.member FOR SELECT TO ridealong_lookup USING (true);
ALTER TABLE ridealong.session ENABLE ROW LEVEL SECURITY;
ALTER TABLE ridealong.session FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_current_tenant ON ridealong.session
    USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant());
CREATE POLICY what_the_lookups_need ON ridealong.session FOR SELECT TO ridealong_lookup USING (true);
ALTER TABLE ridealong.invite ENABLE ROW LEVEL SECURITY;
ALTER TABLE ridealong.invite FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_current_tenant ON ridealong.invite
    USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant());
CREATE POLICY what_the_lookups_need ON ridealong.invite FOR SELECT TO ridealong_lookup USING (true);

-- A rep sees own calls only, whatever is asked: the transaction says whose (`ridealong.rep`). Restrictive: it narrows what
-- the tenant's policy lets through. For the application's role alone: the search could use no index below it, and says
-- itself what it lets through.
DO $own_calls$
DECLARE
    name text;
BEGIN
    CREATE POLICY own_calls_only ON ridealong.call AS RESTRICTIVE TO ridealong_app
        USING ((SELECT ridealong.current_rep()) IS NULL OR rep_id = (SELECT ridealong.current_rep()));
    FOREACH name IN ARRAY ARRAY['gap', 'transcript', 'speaker_role', 'utterance', 'moment', 'moment_evidence', 'moment_anchor',
        'review', 'claim', 'claim_evidence']
    LOOP
        EXECUTE format('CREATE POLICY own_calls_only ON ridealong.%1$I AS RESTRICTIVE TO ridealong_app '
            'USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c '
            'WHERE c.tenant_id = %1$I.tenant_id AND c.call_id = %1$I.call_id))', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['review_section', 'review_step']
    LOOP
        EXECUTE format('CREATE POLICY own_calls_only ON ridealong.%1$I AS RESTRICTIVE TO ridealong_app '
            'USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.review r '
            'WHERE r.tenant_id = %1$I.tenant_id AND r.review_id = %1$I.review_id))', name);
    END LOOP;
END;
$own_calls$;

GRANT UPDATE (name) ON ridealong.tenant TO ridealong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.session, ridealong.invite TO ridealong_app;
GRANT SELECT, INSERT, UPDATE ON ridealong.member TO ridealong_app;
GRANT SELECT ON ridealong.member, ridealong.session, ridealong.invite TO ridealong_lookup;

CREATE FUNCTION ridealong.member_of_email(wanted text) RETURNS TABLE (tenant_id uuid, member_id uuid, password_hash text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT m.tenant_id, m.member_id, m.password_hash FROM ridealong.member m
    WHERE m.email = wanted AND m.disabled_at IS NULL;
$lookup$;

CREATE FUNCTION ridealong.any_member() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT EXISTS (SELECT FROM ridealong.member);
$lookup$;

CREATE FUNCTION ridealong.resolve_session(hash bytea)
    RETURNS TABLE (tenant_id uuid, session_id uuid, expires_at timestamptz, member_id uuid, email text, name text, role text,
        rep_id text, member_since timestamptz, slug text, organisation text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT s.tenant_id, s.session_id, s.expires_at, m.member_id, m.email, m.name, m.role, m.rep_id, m.created_at, t.slug, t.name
    FROM ridealong.session s JOIN ridealong.member m USING (tenant_id, member_id) JOIN ridealong.tenant t USING (tenant_id)
    WHERE s.token_hash = hash AND s.expires_at > now() AND m.disabled_at IS NULL;
$lookup$;

CREATE FUNCTION ridealong.resolve_invite(hash bytea) RETURNS TABLE (tenant_id uuid, member_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT i.tenant_id, i.member_id FROM ridealong.invite i JOIN ridealong.member m USING (tenant_id, member_id)
    WHERE i.token_hash = hash AND i.expires_at > now() AND m.disabled_at IS NULL;
$lookup$;

REVOKE ALL ON FUNCTION ridealong.member_of_email, ridealong.any_member, ridealong.resolve_session,
    ridealong.resolve_invite FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.member_of_email, ridealong.any_member, ridealong.resolve_session,
    ridealong.resolve_invite TO ridealong_app;

GRANT CREATE ON SCHEMA ridealong TO ridealong_lookup;
ALTER FUNCTION ridealong.member_of_email OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.any_member OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.resolve_session OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.resolve_invite OWNER TO ridealong_lookup;
-- The search filters by itself, so it has to know of the rep. Only its owner can replace it.
-- Loads pgvector into this session: its settings, which the function sets, are unknown before.
DO $load$ BEGIN PERFORM '[1]'::public.vector; END; $load$;
SET ROLE ridealong_lookup;
CREATE OR REPLACE FUNCTION ridealong.search(query text, meaning public.vector, kinds text[], in_call uuid, wanted integer)
    RETURNS TABLE (kind text, id uuid, call_id uuid, revision integer, utterance_no integer, score double precision)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET hnsw.iterative_scan = 'relaxed_order' SET hnsw.ef_search = 100 SET hnsw.max_scan_tuples = 20000 AS $lookup$
DECLARE
    here text := CASE WHEN in_call IS NULL THEN '' ELSE ' AND t.call_id = $4' END
        || CASE WHEN ridealong.current_rep() IS NULL THEN '' ELSE
            ' AND EXISTS (SELECT FROM ridealong.call c WHERE c.tenant_id = $1 AND c.call_id = t.call_id AND c.rep_id = $7)' END;
    near text[];
    worded text[];
    source text;
    words tsquery;
BEGIN
    BEGIN
        words := websearch_to_tsquery('english'::regconfig, query);
    EXCEPTION WHEN internal_error OR program_limit_exceeded THEN
        -- It gives up on hundreds of signs in a row ("- - - ..."); their words, if any, are taken plainly.
        words := plainto_tsquery('english'::regconfig, query);
    END;
    -- Dynamic, so that each plan knows its tenant: a small tenant is compared row by row, a big one by its index.
    FOREACH source IN ARRAY ARRAY['utterance', 'moment', 'claim'] LOOP
        CONTINUE WHEN NOT CASE source WHEN 'claim' THEN kinds && ARRAY['finding', 'coaching_moment'] ELSE source = ANY (kinds) END;
        near := near || format(
            '(SELECT %1$s AS kind, %2$s AS id, t.call_id, t.revision, t.utterance_no, t.embedding OPERATOR(public.<#>) $2 AS distance
              FROM ridealong.%3$I t WHERE t.tenant_id = $1 AND t.embedding IS NOT NULL%4$s%5$s
              ORDER BY t.embedding OPERATOR(public.<#>) $2 LIMIT $5)',
            CASE source WHEN 'claim' THEN 't.kind' ELSE quote_literal(source) END,
            CASE source WHEN 'utterance' THEN 'NULL::uuid' ELSE 't.' || source || '_id' END,
            source, here, CASE source WHEN 'claim' THEN ' AND t.kind = ANY ($6)' ELSE '' END);
        -- A word that thousands of rows hold says little: of those, the first 2000 found are ranked, not all.
        worded := worded || format(
            '(SELECT %1$s AS kind, %2$s AS id, t.call_id, t.revision, t.utterance_no, ts_rank(t.terms, $3) AS rank
              FROM (SELECT * FROM ridealong.%3$I t WHERE t.tenant_id = $1 AND t.terms @@ $3%4$s%5$s LIMIT 2000) t
              ORDER BY rank DESC LIMIT $5)',
            CASE source WHEN 'claim' THEN 't.kind' ELSE quote_literal(source) END,
            CASE source WHEN 'utterance' THEN 'NULL::uuid' ELSE 't.' || source || '_id' END,
            source, here, CASE source WHEN 'claim' THEN ' AND t.kind = ANY ($6)' ELSE '' END);
    END LOOP;
    IF near IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(
        'WITH near AS (%s), worded AS (%s), ranked AS (
            SELECT n.kind, n.id, n.call_id, n.revision, n.utterance_no,
                   row_number() OVER (ORDER BY n.distance, n.call_id, n.utterance_no, n.kind) AS place FROM near n
            UNION ALL
            SELECT w.kind, w.id, w.call_id, w.revision, w.utterance_no,
                   row_number() OVER (ORDER BY w.rank DESC, w.call_id, w.utterance_no, w.kind) FROM worded w)
         SELECT r.kind, r.id, r.call_id, r.revision, r.utterance_no, sum(1.0 / (60 + r.place))::double precision AS score
         FROM ranked r
         WHERE r.kind = ''moment'' OR NOT EXISTS (SELECT FROM ridealong.transcript newer WHERE newer.tenant_id = $1
                           AND newer.call_id = r.call_id AND newer.revision > r.revision)
         GROUP BY 1, 2, 3, 4, 5 ORDER BY score DESC, r.call_id, r.utterance_no, r.kind LIMIT $5',
        array_to_string(near, ' UNION ALL '), array_to_string(worded, ' UNION ALL '))
    USING ridealong.current_tenant(), meaning, words, in_call, wanted, kinds, ridealong.current_rep();
END;
$lookup$;
RESET ROLE;
REVOKE CREATE ON SCHEMA ridealong FROM ridealong_lookup;
