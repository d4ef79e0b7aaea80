-- A recording that is heard again by a vendor costs too, and a question may fail for the tenant's own tokens.
ALTER TABLE ridealong.review_step
    DROP CONSTRAINT review_step_part_is_known,
    DROP CONSTRAINT review_step_outcome_is_known;

ALTER TABLE ridealong.review_step
    ADD CONSTRAINT review_step_part_is_known CHECK (part IN ('draft', 'repair', 'verify', 'transcribe')),
    ADD CONSTRAINT review_step_outcome_is_known CHECK
        (outcome IN ('answered', 'late', 'refused', 'busy', 'budget_spent', 'away', 'bad_answer'));
