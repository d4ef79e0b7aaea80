-- Which utterances of many calls come nearest to a question.

-- Its settings may be named once the extension's library is loaded, and its type loads it.
DO $load$ BEGIN PERFORM '[1]'::public.vector; END; $load$;

-- The utterances of some calls that are nearest to a question, by meaning and by words, joined as in `search`. Of each
-- call only the newest transcript counts.
CREATE FUNCTION ridealong.search_calls(query text, meaning public.vector, in_calls uuid[], wanted integer)
    RETURNS TABLE (call_id uuid, revision integer, utterance_no integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET hnsw.iterative_scan = 'relaxed_order' SET hnsw.ef_search = 100 SET hnsw.max_scan_tuples = 20000 AS $lookup$
DECLARE
    seen uuid[];
    words tsquery;
BEGIN
    -- It runs past the row filter, so it says itself what it lets through: this tenant's calls, and of those the rep's.
    SELECT array_agg(c.call_id) INTO seen FROM ridealong.call c
    WHERE c.tenant_id = ridealong.current_tenant() AND c.call_id = ANY (in_calls)
        AND (ridealong.current_rep() IS NULL OR c.rep_id = ridealong.current_rep());
    BEGIN
        words := websearch_to_tsquery('english'::regconfig, query);
    EXCEPTION WHEN internal_error OR program_limit_exceeded THEN
        words := plainto_tsquery('english'::regconfig, query);
    END;
    -- Dynamic, so that the plan knows its tenant and how many calls there are.
    RETURN QUERY EXECUTE
        'WITH near AS (
            SELECT t.call_id, t.revision, t.utterance_no, t.embedding OPERATOR(public.<#>) $2 AS distance
            FROM ridealong.utterance t WHERE t.tenant_id = $1 AND t.call_id = ANY ($4) AND t.embedding IS NOT NULL
            ORDER BY t.embedding OPERATOR(public.<#>) $2 LIMIT $5),
         worded AS (
            SELECT t.call_id, t.revision, t.utterance_no, ts_rank(t.terms, $3) AS rank
            FROM (SELECT * FROM ridealong.utterance t WHERE t.tenant_id = $1 AND t.terms @@ $3 AND t.call_id = ANY ($4)
                LIMIT 2000) t
            ORDER BY rank DESC LIMIT $5),
         ranked AS (
            SELECT n.call_id, n.revision, n.utterance_no,
                   row_number() OVER (ORDER BY n.distance, n.call_id, n.utterance_no) AS place FROM near n
            UNION ALL
            SELECT w.call_id, w.revision, w.utterance_no,
                   row_number() OVER (ORDER BY w.rank DESC, w.call_id, w.utterance_no) FROM worded w)
         SELECT r.call_id, r.revision, r.utterance_no FROM ranked r
         WHERE NOT EXISTS (SELECT FROM ridealong.transcript newer WHERE newer.tenant_id = $1
                           AND newer.call_id = r.call_id AND newer.revision > r.revision)
         GROUP BY 1, 2, 3 ORDER BY sum(1.0 / (60 + r.place)) DESC, r.call_id, r.utterance_no LIMIT $5'
    USING ridealong.current_tenant(), meaning, words, seen, wanted;
END;
$lookup$;

REVOKE ALL ON FUNCTION ridealong.search_calls FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.search_calls TO ridealong_app;

GRANT CREATE ON SCHEMA ridealong TO ridealong_lookup;
ALTER FUNCTION ridealong.search_calls OWNER TO ridealong_lookup;
REVOKE CREATE ON SCHEMA ridealong FROM ridealong_lookup;
