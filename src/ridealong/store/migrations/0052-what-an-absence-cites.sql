-- What the evidence of a claim of absence is: what called for it, what came nearest, the place where it belongs, or the
-- first and last words searched. Claims made before stay as they are: nobody noted it.
ALTER TABLE ridealong.claim
    ADD COLUMN cited_as text,
    ADD CONSTRAINT claim_of_absence_says_what_it_cites CHECK
        (through IS NOT NULL AND cited_as IN ('called_for', 'nearest', 'place', 'span') OR cited_as IS NULL);

-- Like every text that may tell of a call: no samples of it in the planner's statistics.
ALTER TABLE ridealong.claim ALTER COLUMN cited_as SET STATISTICS 0;
