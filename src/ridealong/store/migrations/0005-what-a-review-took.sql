-- What each step of a review asked of which model, and how the second reading of its claims ended.

ALTER TABLE ridealong.review
    ADD COLUMN removed_claims integer NOT NULL DEFAULT 0,
    ADD COLUMN lowered_claims integer NOT NULL DEFAULT 0,
    ADD COLUMN unchecked_claims integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT review_second_reading_counts_from_zero CHECK
        (removed_claims >= 0 AND lowered_claims >= 0 AND unchecked_claims >= 0);

CREATE TABLE ridealong.review_step (
    tenant_id uuid NOT NULL,
    review_id uuid NOT NULL,
    step text NOT NULL,
    position smallint NOT NULL,
    part text NOT NULL,
    model text NOT NULL,
    outcome text NOT NULL,
    attempts integer NOT NULL,
    input_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_written_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost_usd double precision,
    seconds double precision NOT NULL,
    PRIMARY KEY (tenant_id, review_id, step, position),
    -- Goes with its review, so that erasing a call needs to know nothing about it.
    CONSTRAINT review_step_belongs_to_a_review FOREIGN KEY (tenant_id, review_id) REFERENCES ridealong.review
        ON DELETE CASCADE,
    CONSTRAINT review_step_part_is_known CHECK (part IN ('draft', 'repair', 'verify')),
    CONSTRAINT review_step_outcome_is_known CHECK
        (outcome IN ('answered', 'late', 'refused', 'busy', 'away', 'bad_answer')),
    CONSTRAINT review_step_counts_from_zero CHECK (attempts >= 0 AND input_tokens >= 0 AND cache_read_tokens >= 0
        AND cache_written_tokens >= 0 AND output_tokens >= 0 AND cost_usd >= 0 AND seconds >= 0)
);

-- As for all tables: the planner's samples would keep values after a call was erased.
ALTER TABLE ridealong.review_step
    ALTER COLUMN step SET STATISTICS 0,
    ALTER COLUMN part SET STATISTICS 0,
    ALTER COLUMN model SET STATISTICS 0,
    ALTER COLUMN outcome SET STATISTICS 0;

ALTER TABLE ridealong.review_step ENABLE ROW LEVEL SECURITY;
ALTER TABLE ridealong.review_step FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_current_tenant ON ridealong.review_step
    USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant());

GRANT SELECT, INSERT, DELETE ON ridealong.review_step TO ridealong_app;
