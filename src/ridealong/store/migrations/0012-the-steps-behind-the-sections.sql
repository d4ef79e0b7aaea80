-- The steps behind the sections: the outline, what does not fit together, what happens next, a follow-up; what each step
-- made; and the artifact that was there before a review was made again.

ALTER TABLE ridealong.review_step ADD COLUMN prompt text NOT NULL DEFAULT '';
ALTER TABLE ridealong.review_step ALTER COLUMN prompt SET STATISTICS 0;

ALTER TABLE ridealong.claim
    ADD COLUMN why text,
    ADD COLUMN gap text,
    ADD COLUMN sections text[],
    ADD COLUMN who text,
    ADD COLUMN due text,
    ADD COLUMN part text,
    DROP CONSTRAINT claim_is_a_finding_or_a_coaching_moment,
    ADD CONSTRAINT claim_has_what_its_kind_needs_and_nothing_else CHECK (CASE kind
        WHEN 'finding' THEN section_id IS NOT NULL AND criterion_id IS NOT NULL AND score IS NOT NULL
            AND score IN ('yes', 'partly', 'no') AND num_nonnulls(title, advice, why, gap, sections, who, due, part) = 0
        WHEN 'coaching_moment' THEN title IS NOT NULL AND advice IS NOT NULL
            AND num_nonnulls(section_id, criterion_id, score, gap, sections, who, due, part) = 0
        WHEN 'stage' THEN
            num_nonnulls(section_id, criterion_id, score, title, advice, why, gap, sections, who, due, part) = 0
        WHEN 'gap' THEN gap IS NOT NULL AND gap IN ('contradiction', 'gap') AND title IS NOT NULL AND sections IS NOT NULL
            AND num_nonnulls(section_id, criterion_id, score, advice, why, who, due, part) = 0
        WHEN 'next_action' THEN who IS NOT NULL AND who IN ('rep', 'customer', 'both', 'unknown')
            AND num_nonnulls(section_id, criterion_id, score, title, advice, why, gap, sections, part) = 0
        WHEN 'follow_up' THEN part IS NOT NULL AND part IN ('recap', 'answers', 'agreed', 'open')
            AND num_nonnulls(section_id, criterion_id, score, title, advice, why, gap, sections, who, due) = 0
        ELSE false END);

-- What each finished step made, and what became of its drafts. Goes with its review.
CREATE TABLE ridealong.review_step_result (
    tenant_id uuid NOT NULL,
    review_id uuid NOT NULL,
    step text NOT NULL,
    kind text NOT NULL,
    made_by text NOT NULL,
    seconds double precision NOT NULL,
    made integer NOT NULL,
    dropped integer NOT NULL,
    removed integer NOT NULL,
    lowered integer NOT NULL,
    unchecked integer NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, review_id, step),
    CONSTRAINT review_step_result_belongs_to_a_review FOREIGN KEY (tenant_id, review_id) REFERENCES ridealong.review
        ON DELETE CASCADE,
    CONSTRAINT review_step_result_kind_is_known CHECK (kind IN ('local', 'model')),
    CONSTRAINT review_step_result_counts_from_zero CHECK (seconds >= 0 AND made >= 0 AND dropped >= 0 AND removed >= 0
        AND lowered >= 0 AND unchecked >= 0)
);

-- A stage of the call's outline: a claim (its summary) and the stretch that it is about. Its times are those of the utterances.
CREATE TABLE ridealong.outline_stage (
    tenant_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    stage text NOT NULL,
    first_no integer NOT NULL,
    last_no integer NOT NULL,
    PRIMARY KEY (tenant_id, claim_id),
    CONSTRAINT outline_stage_has_a_summary_of_its_own_transcript FOREIGN KEY (tenant_id, claim_id, call_id, revision)
        REFERENCES ridealong.claim (tenant_id, claim_id, call_id, revision) ON DELETE CASCADE,
    CONSTRAINT outline_stage_begins_with_an_utterance FOREIGN KEY (tenant_id, call_id, revision, first_no)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no),
    CONSTRAINT outline_stage_ends_with_an_utterance FOREIGN KEY (tenant_id, call_id, revision, last_no)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no),
    CONSTRAINT outline_stage_ends_where_it_begins_or_later CHECK (first_no <= last_no),
    CONSTRAINT outline_stage_is_a_name CHECK (stage ~ '^[a-z][a-z0-9_]{0,63}$')
);

CREATE INDEX outline_stage_of_a_call ON ridealong.outline_stage (tenant_id, call_id);

CREATE FUNCTION ridealong.refuse_summary_of_another_stage() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $refuse$
BEGIN
    IF NOT EXISTS (SELECT FROM ridealong.claim c WHERE c.tenant_id = NEW.tenant_id AND c.claim_id = NEW.claim_id
               AND c.kind = 'stage' AND c.utterance_no BETWEEN NEW.first_no AND NEW.last_no) THEN
        RAISE EXCEPTION 'a stage of an outline is summarised by a claim that cites words of another stage'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END;
$refuse$;

CREATE TRIGGER outline_stage_is_summarised_by_its_own_words BEFORE INSERT ON ridealong.outline_stage
    FOR EACH ROW EXECUTE FUNCTION ridealong.refuse_summary_of_another_stage();
CREATE TRIGGER outline_stage_is_immutable BEFORE UPDATE ON ridealong.outline_stage
    FOR EACH ROW EXECUTE FUNCTION ridealong.refuse_change();

-- An artifact that was made before the review was asked for again. Where it cites it holds the place of the words; the words
-- stand in the utterance alone, and are looked up when it is read.
CREATE TABLE ridealong.earlier_artifact (
    tenant_id uuid NOT NULL,
    review_id uuid NOT NULL,
    made_at timestamptz NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    artifact jsonb NOT NULL,
    PRIMARY KEY (tenant_id, review_id, made_at),
    CONSTRAINT earlier_artifact_belongs_to_a_transcript FOREIGN KEY (tenant_id, call_id, revision)
        REFERENCES ridealong.transcript,
    CONSTRAINT earlier_artifact_is_an_object CHECK (jsonb_typeof(artifact) = 'object')
);

CREATE INDEX earlier_artifact_of_a_call ON ridealong.earlier_artifact (tenant_id, call_id);
CREATE TRIGGER earlier_artifact_is_immutable BEFORE UPDATE ON ridealong.earlier_artifact
    FOR EACH ROW EXECUTE FUNCTION ridealong.refuse_change();

-- As for all tables: the planner's samples would keep values after a call was erased.
ALTER TABLE ridealong.claim
    ALTER COLUMN why SET STATISTICS 0,
    ALTER COLUMN gap SET STATISTICS 0,
    ALTER COLUMN sections SET STATISTICS 0,
    ALTER COLUMN who SET STATISTICS 0,
    ALTER COLUMN due SET STATISTICS 0,
    ALTER COLUMN part SET STATISTICS 0;
ALTER TABLE ridealong.review_step_result
    ALTER COLUMN step SET STATISTICS 0,
    ALTER COLUMN made_by SET STATISTICS 0;
ALTER TABLE ridealong.outline_stage ALTER COLUMN stage SET STATISTICS 0;
ALTER TABLE ridealong.earlier_artifact ALTER COLUMN artifact SET STATISTICS 0;

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['outline_stage', 'earlier_artifact', 'review_step_result']
    LOOP
        EXECUTE format('ALTER TABLE ridealong.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ridealong.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_current_tenant ON ridealong.%I '
            'USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant())', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['outline_stage', 'earlier_artifact']
    LOOP
        EXECUTE format('CREATE POLICY own_calls_only ON ridealong.%1$I AS RESTRICTIVE TO ridealong_app '
            'USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c '
            'WHERE c.tenant_id = %1$I.tenant_id AND c.call_id = %1$I.call_id))', name);
    END LOOP;
    CREATE POLICY own_calls_only ON ridealong.review_step_result AS RESTRICTIVE TO ridealong_app
        USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.review r
        WHERE r.tenant_id = review_step_result.tenant_id AND r.review_id = review_step_result.review_id));
END;
$policies$;

GRANT SELECT, INSERT, DELETE ON ridealong.review_step_result TO ridealong_app;
GRANT SELECT, INSERT ON ridealong.outline_stage, ridealong.earlier_artifact TO ridealong_app;

CREATE OR REPLACE FUNCTION ridealong.erase_call(erased uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $erase$
DECLARE
    tenant uuid := ridealong.current_tenant();
    counts jsonb := '{}';
    found bigint;
    name text;
BEGIN
    PERFORM set_config('ridealong.erasing', erased::text, true);
    DELETE FROM ridealong.outline_stage o WHERE o.tenant_id = tenant AND o.call_id = erased;
    GET DIAGNOSTICS found = ROW_COUNT;
    counts := counts || jsonb_build_object('outline_stage', found);
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
    FOREACH name IN ARRAY ARRAY['playlist_item', 'share', 'comment', 'call_mark', 'moment_feedback', 'claim_vote',
        'speaker_correction', 'earlier_artifact', 'review', 'moment_anchor', 'moment_evidence', 'moment', 'speaker_role', 'utterance', 'transcript', 'gap',
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
