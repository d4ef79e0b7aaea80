-- What the list of calls filters and sorts by stands in the call itself.

ALTER TABLE ridealong.call ADD COLUMN review_status text;
ALTER TABLE ridealong.call ADD COLUMN score double precision;
ALTER TABLE ridealong.call ADD COLUMN moment_types text[] NOT NULL DEFAULT '{}';
ALTER TABLE ridealong.call ADD COLUMN customer_lower text NOT NULL GENERATED ALWAYS AS (lower(customer)) STORED;
ALTER TABLE ridealong.call ADD COLUMN deal_lower text NOT NULL GENERATED ALWAYS AS (lower(deal)) STORED;
ALTER TABLE ridealong.call ALTER COLUMN customer_lower SET STATISTICS 0;
ALTER TABLE ridealong.call ALTER COLUMN deal_lower SET STATISTICS 0;
ALTER TABLE ridealong.call ADD CONSTRAINT call_review_status_is_known
    CHECK (review_status IN ('queued', 'running', 'finished', 'failed'));
ALTER TABLE ridealong.call ADD CONSTRAINT call_has_a_score_once_its_review_is_finished
    CHECK (score IS NULL OR (score BETWEEN 0 AND 100 AND review_status = 'finished'));

-- The owner sees no row otherwise.
ALTER TABLE ridealong.call NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ridealong.review NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ridealong.moment NO FORCE ROW LEVEL SECURITY;
UPDATE ridealong.call c SET review_status = r.status,
    score = CASE WHEN r.status = 'finished' AND r.assessed THEN r.score END
FROM (SELECT DISTINCT ON (tenant_id, call_id) tenant_id, call_id, status, assessed, score FROM ridealong.review
      ORDER BY tenant_id, call_id, revision DESC) r
WHERE r.tenant_id = c.tenant_id AND r.call_id = c.call_id;
UPDATE ridealong.call c SET moment_types = m.types
FROM (SELECT tenant_id, call_id, array_agg(DISTINCT type ORDER BY type) AS types FROM ridealong.moment
      GROUP BY tenant_id, call_id) m
WHERE m.tenant_id = c.tenant_id AND m.call_id = c.call_id;
ALTER TABLE ridealong.call FORCE ROW LEVEL SECURITY;
ALTER TABLE ridealong.review FORCE ROW LEVEL SECURITY;
ALTER TABLE ridealong.moment FORCE ROW LEVEL SECURITY;

DROP INDEX ridealong.call_of_a_customer;
DROP INDEX ridealong.call_of_a_deal;
CREATE INDEX call_of_a_customer ON ridealong.call (tenant_id, customer_lower, started_at DESC) WHERE customer <> '';
CREATE INDEX call_of_a_deal ON ridealong.call (tenant_id, deal_lower, started_at DESC) WHERE deal <> '';
CREATE INDEX call_by_length ON ridealong.call (tenant_id, audio_ms, call_id);
CREATE INDEX call_by_score_best_first ON ridealong.call (tenant_id, coalesce(score, -1), call_id);
CREATE INDEX call_by_score_worst_first ON ridealong.call (tenant_id, coalesce(score, 1000), call_id);

CREATE FUNCTION ridealong.tell_call_of_review() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tell$
BEGIN
    -- Of several revisions the newest counts, whichever was written last.
    UPDATE ridealong.call c SET review_status = NEW.status,
        score = CASE WHEN NEW.status = 'finished' AND NEW.assessed THEN NEW.score END
    WHERE c.tenant_id = NEW.tenant_id AND c.call_id = NEW.call_id
        AND NOT EXISTS (SELECT FROM ridealong.review r WHERE r.tenant_id = NEW.tenant_id AND r.call_id = NEW.call_id
            AND r.revision > NEW.revision);
    RETURN NULL;
END;
$tell$;

CREATE FUNCTION ridealong.tell_call_of_moment() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tell$
BEGIN
    UPDATE ridealong.call c SET moment_types = array_append(c.moment_types, NEW.type)
    WHERE c.tenant_id = NEW.tenant_id AND c.call_id = NEW.call_id AND NEW.type <> ALL (c.moment_types);
    RETURN NULL;
END;
$tell$;

CREATE TRIGGER review_is_told_to_its_call AFTER INSERT OR UPDATE OF status, score, assessed, revision ON ridealong.review
    FOR EACH ROW EXECUTE FUNCTION ridealong.tell_call_of_review();
CREATE TRIGGER moment_is_told_to_its_call AFTER INSERT ON ridealong.moment
    FOR EACH ROW EXECUTE FUNCTION ridealong.tell_call_of_moment();

-- Who made a token, and whether it ends with that member: the call's own of who records, a view, a key for own use.

ALTER TABLE ridealong.token ADD COLUMN own boolean NOT NULL DEFAULT false;
ALTER TABLE ridealong.token ADD COLUMN author_id uuid;
ALTER TABLE ridealong.token ADD COLUMN author_name text;
ALTER TABLE ridealong.token ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ridealong.token ADD CONSTRAINT token_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member;
ALTER TABLE ridealong.token ADD CONSTRAINT token_of_a_members_own_says_whose CHECK (NOT own OR author_id IS NOT NULL);

-- It belongs to the role that may look across tenants, and only that role can replace it.
GRANT CREATE ON SCHEMA ridealong TO ridealong_lookup;
SET ROLE ridealong_lookup;
DROP FUNCTION ridealong.resolve_token(bytea);
CREATE FUNCTION ridealong.resolve_token(hash bytea)
    RETURNS TABLE (tenant_id uuid, scopes text[], call_id uuid, owner_id uuid, owner_name text, owner_role text, owner_rep_id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT t.tenant_id, t.scopes, t.call_id, m.member_id, m.name, m.role, m.rep_id FROM ridealong.token t
    LEFT JOIN ridealong.member m ON t.own AND m.tenant_id = t.tenant_id AND m.member_id = t.author_id
    WHERE t.token_hash = hash AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
        AND m.disabled_at IS NULL;
$lookup$;
REVOKE ALL ON FUNCTION ridealong.resolve_token FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.resolve_token TO ridealong_app;
RESET ROLE;
REVOKE CREATE ON SCHEMA ridealong FROM ridealong_lookup;
