-- A tenant's own classifier: its versions, the shadow beside the live one, and what people teach it.

-- A head that was trained for one tenant: its weights, what it was trained from, how it did, and whether it judges calls.
CREATE TABLE ridealong.taxonomy_version (
    tenant_id uuid NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    -- NULL while it is trained, and where that failed.
    head bytea,
    -- What an utterance is to this head. A server that sees utterances differently cannot use it.
    features text NOT NULL DEFAULT '',
    report jsonb NOT NULL DEFAULT '{}',
    failure text,
    author_id uuid,
    author_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL,
    PRIMARY KEY (tenant_id, version),
    CONSTRAINT taxonomy_version_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT taxonomy_version_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member,
    CONSTRAINT taxonomy_version_counts_from_one CHECK (version >= 1),
    CONSTRAINT taxonomy_version_state_is_known CHECK (state IN ('training', 'failed', 'candidate', 'shadow', 'live', 'retired')),
    CONSTRAINT taxonomy_version_has_a_head_once_it_is_trained CHECK ((state IN ('training', 'failed')) = (head IS NULL)),
    CONSTRAINT taxonomy_version_that_failed_says_why CHECK ((state = 'failed') = (failure IS NOT NULL))
);

CREATE UNIQUE INDEX taxonomy_version_that_is_live ON ridealong.taxonomy_version (tenant_id) WHERE state = 'live';
CREATE UNIQUE INDEX taxonomy_version_in_shadow ON ridealong.taxonomy_version (tenant_id) WHERE state = 'shadow';
CREATE UNIQUE INDEX taxonomy_version_in_training ON ridealong.taxonomy_version (tenant_id) WHERE state = 'training';

-- Which heads a call began with, and keeps to its end. NULL: the shipped one, and nothing beside it.
CREATE TABLE ridealong.call_taxonomy (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    live_version integer,
    shadow_version integer,
    PRIMARY KEY (tenant_id, call_id),
    CONSTRAINT call_taxonomy_belongs_to_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call ON DELETE CASCADE,
    CONSTRAINT call_taxonomy_names_a_version FOREIGN KEY (tenant_id, live_version) REFERENCES ridealong.taxonomy_version,
    CONSTRAINT call_taxonomy_names_a_shadow FOREIGN KEY (tenant_id, shadow_version) REFERENCES ridealong.taxonomy_version
);

CREATE INDEX call_taxonomy_of_a_shadow ON ridealong.call_taxonomy (tenant_id, shadow_version) WHERE shadow_version IS NOT NULL;

-- What a head in shadow found on a real call: noted, never shown, and no moment of the call. `would` is the reason that
-- policy would have given, were the head live (`delivered`: it would have been nudged).
CREATE TABLE ridealong.shadow_moment (
    tenant_id uuid NOT NULL,
    shadow_moment_id uuid NOT NULL,
    version integer NOT NULL,
    type text NOT NULL,
    confidence double precision NOT NULL,
    would text NOT NULL,
    trigger_ts integer NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    utterance_no integer NOT NULL,
    speaker_id integer NOT NULL,
    start_ts integer NOT NULL,
    end_ts integer NOT NULL,
    text_length integer NOT NULL,
    quote_start integer NOT NULL,
    quote_end integer NOT NULL,
    PRIMARY KEY (tenant_id, shadow_moment_id),
    CONSTRAINT shadow_moment_is_of_a_version FOREIGN KEY (tenant_id, version) REFERENCES ridealong.taxonomy_version,
    -- Goes with the words that it cites.
    CONSTRAINT shadow_moment_cites_an_utterance_as_it_was_said FOREIGN KEY
        (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        ON DELETE CASCADE,
    CONSTRAINT shadow_moment_quotes_words_inside_the_utterance CHECK
        (0 <= quote_start AND quote_start < quote_end AND quote_end <= text_length),
    CONSTRAINT shadow_moment_type_is_a_name CHECK (type ~ '^[a-z][a-z0-9_]{0,63}$'),
    CONSTRAINT shadow_moment_confidence_lies_between_0_and_1 CHECK (confidence BETWEEN 0 AND 1)
);

CREATE INDEX shadow_moment_of_a_call ON ridealong.shadow_moment (tenant_id, call_id, revision, utterance_no);
CREATE INDEX shadow_moment_of_a_version ON ridealong.shadow_moment (tenant_id, version, call_id);

-- What a person says that an utterance is, or is not: an example to train on. One row for each author, utterance and type.
CREATE TABLE ridealong.moment_label (
    tenant_id uuid NOT NULL,
    label_id uuid NOT NULL,
    type text NOT NULL,
    holds boolean NOT NULL,
    source text NOT NULL,
    -- The moment that it is about, where it is about one.
    moment_id uuid,
    author_id uuid,
    author_name text NOT NULL,
    given_at timestamptz NOT NULL DEFAULT now(),
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    utterance_no integer NOT NULL,
    speaker_id integer NOT NULL,
    start_ts integer NOT NULL,
    end_ts integer NOT NULL,
    text_length integer NOT NULL,
    quote_start integer NOT NULL,
    quote_end integer NOT NULL,
    PRIMARY KEY (tenant_id, label_id),
    CONSTRAINT moment_label_is_one_of_each_author UNIQUE NULLS NOT DISTINCT
        (tenant_id, call_id, revision, utterance_no, type, author_id),
    CONSTRAINT moment_label_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member,
    CONSTRAINT moment_label_is_about_a_moment_of_its_call FOREIGN KEY (tenant_id, moment_id, call_id)
        REFERENCES ridealong.moment (tenant_id, moment_id, call_id) ON DELETE CASCADE,
    -- Goes with the words that it is about: erasing a call erases its examples.
    CONSTRAINT moment_label_cites_an_utterance_as_it_was_said FOREIGN KEY
        (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        ON DELETE CASCADE,
    CONSTRAINT moment_label_quotes_words_inside_the_utterance CHECK
        (0 <= quote_start AND quote_start < quote_end AND quote_end <= text_length),
    CONSTRAINT moment_label_type_is_a_name CHECK (type ~ '^[a-z][a-z0-9_]{0,63}$'),
    CONSTRAINT moment_label_source_is_known CHECK (source IN ('agreed', 'corrected', 'added', 'queue'))
);

CREATE INDEX moment_label_of_an_utterance ON ridealong.moment_label (tenant_id, call_id, revision, utterance_no);

-- What the model sees in an utterance, kept so that the next training need not read it again.
CREATE TABLE ridealong.utterance_view (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    utterance_no integer NOT NULL,
    features text NOT NULL,
    views bytea NOT NULL,
    PRIMARY KEY (tenant_id, call_id, revision, utterance_no),
    CONSTRAINT utterance_view_is_of_an_utterance FOREIGN KEY (tenant_id, call_id, revision, utterance_no)
        REFERENCES ridealong.utterance ON DELETE CASCADE
);

-- The same of the examples that stand in the tenant's document, by the SHA-256 of their words.
CREATE TABLE ridealong.example_view (
    tenant_id uuid NOT NULL,
    text_hash bytea NOT NULL,
    features text NOT NULL,
    views bytea NOT NULL,
    PRIMARY KEY (tenant_id, text_hash),
    CONSTRAINT example_view_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT example_view_is_named_by_sha256 CHECK (octet_length(text_hash) = 32)
);

-- As for all tables: the planner's samples would keep words of a call after it was erased.
ALTER TABLE ridealong.taxonomy_version
    ALTER COLUMN state SET STATISTICS 0,
    ALTER COLUMN features SET STATISTICS 0,
    ALTER COLUMN report SET STATISTICS 0,
    ALTER COLUMN failure SET STATISTICS 0,
    ALTER COLUMN author_name SET STATISTICS 0,
    ALTER COLUMN changed_by SET STATISTICS 0;
ALTER TABLE ridealong.shadow_moment ALTER COLUMN would SET STATISTICS 0;
ALTER TABLE ridealong.moment_label ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ridealong.utterance_view ALTER COLUMN features SET STATISTICS 0;
ALTER TABLE ridealong.example_view ALTER COLUMN features SET STATISTICS 0;

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['taxonomy_version', 'call_taxonomy', 'shadow_moment', 'moment_label', 'utterance_view', 'example_view']
    LOOP
        EXECUTE format('ALTER TABLE ridealong.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ridealong.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_current_tenant ON ridealong.%I '
            'USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant())', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['call_taxonomy', 'shadow_moment', 'moment_label', 'utterance_view']
    LOOP
        EXECUTE format('CREATE POLICY own_calls_only ON ridealong.%1$I AS RESTRICTIVE TO ridealong_app '
            'USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c '
            'WHERE c.tenant_id = %1$I.tenant_id AND c.call_id = %1$I.call_id))', name);
    END LOOP;
END;
$policies$;

GRANT SELECT, INSERT ON ridealong.call_taxonomy, ridealong.shadow_moment TO ridealong_app;
GRANT SELECT, INSERT, UPDATE ON ridealong.taxonomy_version, ridealong.utterance_view TO ridealong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.moment_label, ridealong.example_view TO ridealong_app;
