-- What policy went by when it decided a moment, where its nudge got to, and whether the rep did what it asks for.

ALTER TABLE ridealong.moment
    ADD COLUMN decided_ts integer,
    ADD COLUMN rep_speaking boolean,
    ADD COLUMN role_known boolean,
    ADD CONSTRAINT moment_reason_is_known CHECK (reason IN ('delivered', 'low_confidence', 'budget_spent', 'cooling_down', 'late', 'role_unknown',
        'type_is_noted', 'quiet_period', 'rep_is_speaking', 'held_out', 'added')),
    ADD CONSTRAINT moment_keeps_all_of_what_policy_went_by_or_nothing CHECK
        (num_nulls(decided_ts, rep_speaking, role_known) IN (0, 3)),
    ADD CONSTRAINT moment_is_not_decided_before_the_call CHECK (decided_ts >= 0);

-- Both of these go with their moment, so that erasing a call needs to know nothing about them.

-- Where a nudge got to: handed to the rep's device (`sent`), on its screen (`seen`, by the device's own word).
CREATE TABLE ridealong.nudge_sighting (
    tenant_id uuid NOT NULL,
    moment_id uuid NOT NULL,
    call_id uuid NOT NULL,
    sight text NOT NULL,
    at_ts integer NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, moment_id, sight),
    CONSTRAINT nudge_sighting_is_of_a_moment_of_its_call FOREIGN KEY (tenant_id, moment_id, call_id)
        REFERENCES ridealong.moment (tenant_id, moment_id, call_id) ON DELETE CASCADE,
    CONSTRAINT nudge_sighting_is_known CHECK (sight IN ('sent', 'seen')),
    CONSTRAINT nudge_sighting_is_not_before_the_call CHECK (at_ts >= 0)
);

CREATE INDEX nudge_sighting_of_a_call ON ridealong.nudge_sighting (tenant_id, call_id);

-- Whether the rep did what a nudge asks for, soon after it was shown or held out. That they did cites the words.
CREATE TABLE ridealong.nudge_effect (
    tenant_id uuid NOT NULL,
    moment_id uuid NOT NULL,
    call_id uuid NOT NULL,
    acted_on boolean NOT NULL,
    confidence double precision NOT NULL,
    revision integer,
    utterance_no integer,
    speaker_id integer,
    start_ts integer,
    end_ts integer,
    text_length integer,
    quote_start integer,
    quote_end integer,
    judged_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, moment_id),
    CONSTRAINT nudge_effect_is_of_a_moment_of_its_call FOREIGN KEY (tenant_id, moment_id, call_id)
        REFERENCES ridealong.moment (tenant_id, moment_id, call_id) ON DELETE CASCADE,
    CONSTRAINT nudge_effect_cites_an_utterance_as_it_was_said FOREIGN KEY
        (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length),
    CONSTRAINT nudge_effect_cites_what_was_done_and_nothing_else CHECK
        (num_nulls(revision, utterance_no, speaker_id, start_ts, end_ts, text_length, quote_start, quote_end)
        = CASE WHEN acted_on THEN 0 ELSE 8 END),
    CONSTRAINT nudge_effect_quotes_words_inside_the_utterance CHECK
        (0 <= quote_start AND quote_start < quote_end AND quote_end <= text_length),
    CONSTRAINT nudge_effect_confidence_lies_between_0_and_1 CHECK (confidence BETWEEN 0 AND 1)
);

CREATE INDEX nudge_effect_of_a_call ON ridealong.nudge_effect (tenant_id, call_id, revision, utterance_no);

-- As for all tables: the planner's samples would keep values after their call was erased.
ALTER TABLE ridealong.nudge_sighting ALTER COLUMN sight SET STATISTICS 0;

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['nudge_sighting', 'nudge_effect']
    LOOP
        EXECUTE format('ALTER TABLE ridealong.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ridealong.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_current_tenant ON ridealong.%I '
            'USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant())', name);
        EXECUTE format('CREATE POLICY own_calls_only ON ridealong.%1$I AS RESTRICTIVE TO ridealong_app '
            'USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c '
            'WHERE c.tenant_id = %1$I.tenant_id AND c.call_id = %1$I.call_id))', name);
    END LOOP;
END;
$policies$;

GRANT SELECT, INSERT ON ridealong.nudge_sighting TO ridealong_app;
GRANT SELECT, INSERT, UPDATE ON ridealong.nudge_effect TO ridealong_app;
