-- What each claim's confidence was made of, what came closest to a claim of absence, what the checks of a review did,
-- and the weights that a tenant's votes gave.

ALTER TABLE ridealong.review
    ADD COLUMN checks jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN confidence_version text;

ALTER TABLE ridealong.claim
    ADD COLUMN signals jsonb,
    ADD COLUMN searched_from integer,
    ADD COLUMN closest_no integer,
    ADD COLUMN closest_similarity double precision,
    ADD CONSTRAINT claim_of_absence_came_closest_to_an_utterance FOREIGN KEY (tenant_id, call_id, revision, closest_no)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no),
    ADD CONSTRAINT claim_that_searched_is_one_of_absence CHECK
        (through IS NOT NULL OR (searched_from IS NULL AND closest_no IS NULL AND closest_similarity IS NULL)),
    ADD CONSTRAINT claim_of_absence_searched_a_span CHECK
        (searched_from >= 0 AND searched_from <= through AND closest_no BETWEEN searched_from AND through),
    ADD CONSTRAINT claim_that_came_close_says_how_close CHECK
        ((closest_no IS NULL) = (closest_similarity IS NULL) AND closest_similarity BETWEEN -1 AND 1);

-- How a tenant's signals become a probability. No version is changed: a newer one takes its place, and an older one can
-- be taken up again. Without an active one the shipped weights hold.
CREATE TABLE ridealong.confidence_model (
    tenant_id uuid NOT NULL,
    version integer NOT NULL,
    weights jsonb NOT NULL,
    agreed integer NOT NULL,
    disagreed integer NOT NULL,
    error_before double precision NOT NULL,
    error_after double precision NOT NULL,
    active boolean NOT NULL DEFAULT false,
    fitted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, version),
    CONSTRAINT confidence_model_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT confidence_model_versions_count_from_one CHECK (version >= 1),
    CONSTRAINT confidence_model_stands_on_votes_of_both_kinds CHECK (agreed > 0 AND disagreed > 0),
    CONSTRAINT confidence_model_errors_lie_between_0_and_1 CHECK
        (error_before BETWEEN 0 AND 1 AND error_after BETWEEN 0 AND 1)
);

CREATE UNIQUE INDEX confidence_model_is_active_once ON ridealong.confidence_model (tenant_id) WHERE active;

-- As for all tables: the planner's samples would keep values after a call or a tenant was erased.
ALTER TABLE ridealong.review
    ALTER COLUMN checks SET STATISTICS 0,
    ALTER COLUMN confidence_version SET STATISTICS 0;
ALTER TABLE ridealong.claim
    ALTER COLUMN signals SET STATISTICS 0;
ALTER TABLE ridealong.confidence_model
    ALTER COLUMN weights SET STATISTICS 0;

ALTER TABLE ridealong.confidence_model ENABLE ROW LEVEL SECURITY;
ALTER TABLE ridealong.confidence_model FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_current_tenant ON ridealong.confidence_model
    USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant());

GRANT SELECT, INSERT, UPDATE (active) ON ridealong.confidence_model TO ridealong_app;
