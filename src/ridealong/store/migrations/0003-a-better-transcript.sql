-- A moment is written once. Where a later revision of the transcript has the same words, this says where.
ALTER TABLE ridealong.moment ADD CONSTRAINT moment_within_its_call UNIQUE (tenant_id, moment_id, call_id);

CREATE TABLE ridealong.moment_anchor (
    tenant_id uuid NOT NULL,
    moment_id uuid NOT NULL,
    revision integer NOT NULL,
    position smallint NOT NULL,
    call_id uuid NOT NULL,
    utterance_no integer NOT NULL,
    speaker_id integer NOT NULL,
    start_ts integer NOT NULL,
    end_ts integer NOT NULL,
    text_length integer NOT NULL,
    quote_start integer NOT NULL,
    quote_end integer NOT NULL,
    first_position smallint NOT NULL GENERATED ALWAYS AS (0) STORED,
    PRIMARY KEY (tenant_id, moment_id, revision, position),
    CONSTRAINT moment_anchor_is_of_a_moment_of_its_call FOREIGN KEY (tenant_id, moment_id, call_id)
        REFERENCES ridealong.moment (tenant_id, moment_id, call_id),
    CONSTRAINT moment_anchor_has_a_first_piece FOREIGN KEY (tenant_id, moment_id, revision, first_position)
        REFERENCES ridealong.moment_anchor (tenant_id, moment_id, revision, position),
    CONSTRAINT moment_anchor_cites_an_utterance_as_it_was_said FOREIGN KEY
        (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length),
    CONSTRAINT moment_anchor_quotes_words_inside_the_utterance CHECK
        (0 <= quote_start AND quote_start < quote_end AND quote_end <= text_length),
    CONSTRAINT moment_anchor_counts_from_zero CHECK (position >= 0),
    CONSTRAINT moment_anchor_is_of_a_later_revision CHECK (revision >= 2)
);

CREATE INDEX moment_anchor_of_a_call ON ridealong.moment_anchor (tenant_id, call_id, revision, utterance_no);

CREATE TRIGGER moment_anchor_is_immutable BEFORE UPDATE OR DELETE ON ridealong.moment_anchor
    FOR EACH ROW EXECUTE FUNCTION ridealong.refuse_change();

ALTER TABLE ridealong.moment_anchor ENABLE ROW LEVEL SECURITY;
ALTER TABLE ridealong.moment_anchor FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_current_tenant ON ridealong.moment_anchor
    USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant());
GRANT SELECT, INSERT ON ridealong.moment_anchor TO ridealong_app;

CREATE OR REPLACE VIEW ridealong.evidence WITH (security_invoker = true) AS
SELECT e.*, substr(u.text, e.quote_start + 1, e.quote_end - e.quote_start) AS quote
FROM (
    SELECT tenant_id, 'moment' AS kind, moment_id AS id, 0::smallint AS position, call_id, revision, utterance_no,
           speaker_id, start_ts, end_ts, quote_start, quote_end FROM ridealong.moment
    UNION ALL
    SELECT tenant_id, 'moment', moment_id, position, call_id, revision, utterance_no,
           speaker_id, start_ts, end_ts, quote_start, quote_end FROM ridealong.moment_evidence
    UNION ALL
    SELECT tenant_id, 'moment', moment_id, position, call_id, revision, utterance_no,
           speaker_id, start_ts, end_ts, quote_start, quote_end FROM ridealong.moment_anchor
    UNION ALL
    SELECT tenant_id, 'claim', claim_id, 0::smallint, call_id, revision, utterance_no,
           speaker_id, start_ts, end_ts, quote_start, quote_end FROM ridealong.claim
    UNION ALL
    SELECT tenant_id, 'claim', claim_id, position, call_id, revision, utterance_no,
           speaker_id, start_ts, end_ts, quote_start, quote_end FROM ridealong.claim_evidence
) e JOIN ridealong.utterance u USING (tenant_id, call_id, revision, utterance_no);

CREATE OR REPLACE FUNCTION ridealong.erase_call(erased uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $erase$
DECLARE
    tenant uuid := ridealong.current_tenant();
    counts jsonb := '{}';
    found bigint;
    name text;
BEGIN
    PERFORM set_config('ridealong.erasing', erased::text, true);
    DELETE FROM ridealong.claim_evidence e WHERE e.tenant_id = tenant AND e.call_id = erased;
    GET DIAGNOSTICS found = ROW_COUNT;
    counts := counts || jsonb_build_object('claim_evidence', found);
    DELETE FROM ridealong.claim c WHERE c.tenant_id = tenant AND c.call_id = erased;
    GET DIAGNOSTICS found = ROW_COUNT;
    counts := counts || jsonb_build_object('claim', found);
    DELETE FROM ridealong.review_section s USING ridealong.review r
    WHERE s.tenant_id = tenant AND r.tenant_id = tenant AND s.review_id = r.review_id AND r.call_id = erased;
    GET DIAGNOSTICS found = ROW_COUNT;
    counts := counts || jsonb_build_object('review_section', found);
    FOREACH name IN ARRAY ARRAY['review', 'moment_anchor', 'moment_evidence', 'moment', 'speaker_role', 'utterance', 'transcript', 'gap',
        'token', 'call']
    LOOP
        EXECUTE format('DELETE FROM ridealong.%I WHERE tenant_id = $1 AND call_id = $2', name) USING tenant, erased;
        GET DIAGNOSTICS found = ROW_COUNT;
        counts := counts || jsonb_build_object(name, found);
    END LOOP;
    PERFORM set_config('ridealong.erasing', '', true);
    RETURN counts;
END;
$erase$;

-- A moment is found under its own words whatever transcripts came after it; the rest of the function is as it was. It
-- belongs to the role that may look across tenants, and only that role can replace it.
GRANT CREATE ON SCHEMA ridealong TO ridealong_lookup;
-- Loads pgvector into this session: its settings, which the function sets, are unknown before.
DO $load$ BEGIN PERFORM '[1]'::public.vector; END; $load$;
SET ROLE ridealong_lookup;
CREATE OR REPLACE FUNCTION ridealong.search(query text, meaning public.vector, kinds text[], in_call uuid, wanted integer)
    RETURNS TABLE (kind text, id uuid, call_id uuid, revision integer, utterance_no integer, score double precision)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET hnsw.iterative_scan = 'relaxed_order' SET hnsw.ef_search = 100 SET hnsw.max_scan_tuples = 20000 AS $lookup$
DECLARE
    here text := CASE WHEN in_call IS NULL THEN '' ELSE ' AND t.call_id = $4' END;
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
    USING ridealong.current_tenant(), meaning, words, in_call, wanted, kinds;
END;
$lookup$;
RESET ROLE;
REVOKE CREATE ON SCHEMA ridealong FROM ridealong_lookup;
