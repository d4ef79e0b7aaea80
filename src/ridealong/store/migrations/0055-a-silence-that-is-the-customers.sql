-- Why a moment was not shown: the rep had just spoken, and the silence behind that was the customer's to think in.
ALTER TABLE ridealong.moment
    DROP CONSTRAINT moment_reason_is_known,
    ADD CONSTRAINT moment_reason_is_known CHECK (reason IN ('delivered', 'low_confidence', 'budget_spent', 'cooling_down', 'late', 'role_unknown',
        'type_is_noted', 'quiet_period', 'rep_is_speaking', 'customer_is_thinking', 'held_out', 'added'));
