-- A replay decides a call's moments again in the order in which they were decided: two of one utterance share a
-- millisecond, and the first may have spent the budget.
ALTER TABLE ridealong.moment ADD COLUMN decision_no bigint GENERATED ALWAYS AS IDENTITY;
