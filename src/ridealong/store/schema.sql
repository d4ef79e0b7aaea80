-- The truth about the database. The migrations arrive here, and a test proves it.
--
-- Three roles: the owner (makes and changes tables), ridealong_app (reads and writes one tenant's rows at a time) and
-- ridealong_lookup (nobody logs in as it; it owns the few functions that must look across tenants or past the row
-- filter, and each of those says itself what it lets through).
--
-- Grounding: what a claim cites is copied into its own row, NOT NULL, and a foreign key over all of it leads to the
-- utterance. A wrong speaker, a wrong time, another call's words: the insert fails, whoever wrote it.

CREATE SCHEMA ridealong;

CREATE FUNCTION ridealong.current_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('ridealong.tenant', true), '')::uuid;

-- The one rep whose calls the transaction may see; NULL: all calls of the tenant.
CREATE FUNCTION ridealong.current_rep() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('ridealong.rep', true), '');

-- What was said, and what was concluded from it, is written once. The one way out is ridealong.erase_call.
CREATE FUNCTION ridealong.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $refuse$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('ridealong.erasing', true) = to_jsonb(OLD) ->> 'call_id' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed: they are written once, and erased only with their whole call', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END;
$refuse$;

---------------------------------------------------------------------------------------------------- tenants

CREATE TABLE ridealong.tenant (
    tenant_id uuid PRIMARY KEY,
    slug text NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenant_slug_is_taken UNIQUE (slug),
    CONSTRAINT tenant_slug_is_lower_case_letters_digits_and_hyphens CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')
);

CREATE TABLE ridealong.rep (
    tenant_id uuid NOT NULL REFERENCES ridealong.tenant,
    rep_id text NOT NULL,
    name text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, rep_id),
    CONSTRAINT rep_id_is_not_empty CHECK (rep_id ~ '\S')
);

CREATE TABLE ridealong.voiceprint (
    tenant_id uuid NOT NULL,
    rep_id text NOT NULL,
    voiceprint vector(512) NOT NULL,
    enrolled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, rep_id),
    CONSTRAINT voiceprint_belongs_to_a_rep FOREIGN KEY (tenant_id, rep_id) REFERENCES ridealong.rep
);

CREATE TABLE ridealong.document (
    tenant_id uuid NOT NULL REFERENCES ridealong.tenant,
    kind text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    body text NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    author_id uuid,
    author_name text,
    PRIMARY KEY (tenant_id, kind, name, version),
    CONSTRAINT document_kind_is_known CHECK (kind IN ('taxonomy', 'rubric', 'template')),
    CONSTRAINT document_version_counts_from_one CHECK (version >= 1)
);

CREATE UNIQUE INDEX document_has_one_active_version ON ridealong.document (tenant_id, kind, name) WHERE active;

-- A tenant's own choice of models, and its own accounts with their vendors. Keys are sealed by the application
-- (AES-256-GCM, bound to tenant, vendor and address), so a row that was copied elsewhere opens for nobody.

CREATE TABLE ridealong.model_choice (
    tenant_id uuid PRIMARY KEY,
    live_model text,
    review_models text[],
    verify_model text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT model_choice_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE
);

CREATE TABLE ridealong.vendor_account (
    tenant_id uuid NOT NULL,
    vendor text NOT NULL,
    url text NOT NULL DEFAULT '',
    sealed_key bytea,
    key_set_at timestamptz,
    PRIMARY KEY (tenant_id, vendor),
    CONSTRAINT vendor_account_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT vendor_account_has_a_key_or_an_address CHECK (sealed_key IS NOT NULL OR url <> ''),
    CONSTRAINT vendor_account_with_a_key_says_since_when CHECK ((sealed_key IS NULL) = (key_set_at IS NULL)),
    -- Format, name of the key, nonce and tag alone are 33 bytes: what is shorter was never sealed.
    CONSTRAINT vendor_account_key_is_sealed CHECK (octet_length(sealed_key) > 33)
);

-- Tokens of models that a tenant may spend a day (UTC): as its admin chose, and as the operator allows it in place of the
-- settings' limits (there 0 is: no limit). NULL: as the settings say.
CREATE TABLE ridealong.token_budget (
    tenant_id uuid PRIMARY KEY,
    tokens_per_day bigint,
    live_tokens_per_day bigint,
    allowed_per_day bigint,
    allowed_live_per_day bigint,
    CONSTRAINT token_budget_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT token_budget_is_something CHECK (tokens_per_day > 0 AND live_tokens_per_day > 0),
    CONSTRAINT token_budget_allows_no_less_than_nothing CHECK (allowed_per_day >= 0 AND allowed_live_per_day >= 0)
);

-- What was spent of it. Each process writes what it counted itself, so that a row can be written again without being
-- counted twice; the day's tokens are the sum.
CREATE TABLE ridealong.token_count (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    counted_by uuid NOT NULL,
    tokens bigint NOT NULL,
    live_tokens bigint NOT NULL,
    PRIMARY KEY (tenant_id, day, counted_by),
    CONSTRAINT token_count_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT token_count_holds_the_live_ones CHECK (live_tokens BETWEEN 0 AND tokens)
);

---------------------------------------------------------------------------------------------------- people

-- Who signs in. An address belongs to one person of one tenant: signing in asks for nothing else.
CREATE TABLE ridealong.member (
    tenant_id uuid NOT NULL REFERENCES ridealong.tenant,
    member_id uuid NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    rep_id text NOT NULL,
    password_hash text,
    oidc_subject text,
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz,
    PRIMARY KEY (tenant_id, member_id),
    CONSTRAINT member_email_is_taken UNIQUE (email),
    CONSTRAINT member_oidc_subject_is_taken UNIQUE (oidc_subject),
    CONSTRAINT member_has_a_rep_of_the_tenant FOREIGN KEY (tenant_id, rep_id) REFERENCES ridealong.rep,
    CONSTRAINT member_email_is_an_address_in_lower_case CHECK (email ~ '^[^@\s]+@[^@\s]+$' AND email = lower(email)),
    CONSTRAINT member_name_is_not_empty CHECK (name ~ '\S'),
    CONSTRAINT member_role_is_known CHECK (role IN ('rep', 'manager', 'admin')),
    CONSTRAINT member_password_is_hashed_with_argon2id CHECK (password_hash LIKE '$argon2id$%'),
    CONSTRAINT member_oidc_subject_is_not_empty CHECK (oidc_subject <> '')
);

CREATE TABLE ridealong.session (
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    member_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, session_id),
    CONSTRAINT session_token_is_unique UNIQUE (token_hash),
    CONSTRAINT session_token_is_kept_as_sha256 CHECK (octet_length(token_hash) = 32),
    CONSTRAINT session_belongs_to_a_member FOREIGN KEY (tenant_id, member_id) REFERENCES ridealong.member ON DELETE CASCADE
);

CREATE INDEX session_of_a_member ON ridealong.session (tenant_id, member_id);

-- A link with which a member sets the password, once.
CREATE TABLE ridealong.invite (
    tenant_id uuid NOT NULL,
    member_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, member_id),
    CONSTRAINT invite_token_is_unique UNIQUE (token_hash),
    CONSTRAINT invite_token_is_kept_as_sha256 CHECK (octet_length(token_hash) = 32),
    CONSTRAINT invite_belongs_to_a_member FOREIGN KEY (tenant_id, member_id) REFERENCES ridealong.member ON DELETE CASCADE
);

ALTER TABLE ridealong.document ADD CONSTRAINT document_is_by_a_member FOREIGN KEY (tenant_id, author_id)
    REFERENCES ridealong.member;

---------------------------------------------------------------------------------------------------- calls

CREATE TABLE ridealong.call (
    tenant_id uuid NOT NULL REFERENCES ridealong.tenant,
    call_id uuid NOT NULL,
    rep_id text NOT NULL,
    title text NOT NULL DEFAULT '',
    consent text NOT NULL,
    encoding text NOT NULL,
    sample_rate integer NOT NULL,
    channels smallint NOT NULL,
    layout text NOT NULL,
    language text NOT NULL,
    rep_speaker integer,
    status text NOT NULL DEFAULT 'live',
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    ended_reason text,
    audio_ms bigint NOT NULL DEFAULT 0,
    -- The call's name where it comes from (a carrier's call id); two calls may share one, after a line that broke.
    external_id text NOT NULL DEFAULT '',
    -- Whose deal it is and what kind of call, in the tenant's own words; empty where nobody said it.
    customer text NOT NULL DEFAULT '',
    deal text NOT NULL DEFAULT '',
    call_type text NOT NULL DEFAULT '',
    stage text NOT NULL DEFAULT '',
    -- What lists of calls filter and sort by: of the newest review, and which types of moments there are. Triggers keep them.
    review_status text,
    score double precision,
    moment_types text[] NOT NULL DEFAULT '{}',
    -- Plain columns, because under a row filter PostgreSQL uses no index on what a function makes of one.
    customer_lower text NOT NULL GENERATED ALWAYS AS (lower(customer)) STORED,
    deal_lower text NOT NULL GENERATED ALWAYS AS (lower(deal)) STORED,
    PRIMARY KEY (tenant_id, call_id),
    CONSTRAINT call_belongs_to_a_rep FOREIGN KEY (tenant_id, rep_id) REFERENCES ridealong.rep,
    CONSTRAINT call_states_its_consent CHECK (consent ~ '\S'),
    CONSTRAINT call_is_live_or_ended CHECK (status IN ('live', 'ended')),
    CONSTRAINT call_that_ended_says_when_and_why CHECK
        ((status = 'ended') = (ended_at IS NOT NULL) AND (status = 'ended') = (ended_reason IS NOT NULL)),
    CONSTRAINT call_audio_is_not_negative CHECK (audio_ms >= 0),
    CONSTRAINT call_customer_and_deal_are_short CHECK (char_length(customer) <= 300 AND char_length(deal) <= 300),
    CONSTRAINT call_type_and_stage_are_short CHECK (char_length(call_type) <= 64 AND char_length(stage) <= 64),
    CONSTRAINT call_review_status_is_known CHECK (review_status IN ('queued', 'running', 'finished', 'failed')),
    CONSTRAINT call_has_a_score_once_its_review_is_finished CHECK
        (score IS NULL OR (score BETWEEN 0 AND 100 AND review_status = 'finished'))
);

CREATE INDEX call_by_start ON ridealong.call (tenant_id, started_at DESC, call_id DESC);
CREATE INDEX call_of_a_rep ON ridealong.call (tenant_id, rep_id, started_at DESC, call_id DESC);
CREATE INDEX call_by_external_id ON ridealong.call (tenant_id, external_id) WHERE external_id <> '';
CREATE INDEX call_of_a_customer ON ridealong.call (tenant_id, customer_lower, started_at DESC) WHERE customer <> '';
CREATE INDEX call_of_a_deal ON ridealong.call (tenant_id, deal_lower, started_at DESC) WHERE deal <> '';
CREATE INDEX call_by_length ON ridealong.call (tenant_id, audio_ms, call_id);
-- Calls without a score come last, whichever way the others are sorted.
CREATE INDEX call_by_score_best_first ON ridealong.call (tenant_id, coalesce(score, -1), call_id);
CREATE INDEX call_by_score_worst_first ON ridealong.call (tenant_id, coalesce(score, 1000), call_id);
CREATE INDEX call_that_is_live ON ridealong.call (started_at) WHERE status = 'live';

CREATE TABLE ridealong.token (
    tenant_id uuid NOT NULL REFERENCES ridealong.tenant,
    token_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    call_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    label text NOT NULL DEFAULT '',
    -- Ends with the member who made it: what lets a recording go on, a view of a call, a key for own use.
    own boolean NOT NULL DEFAULT false,
    author_id uuid,
    author_name text,
    PRIMARY KEY (tenant_id, token_id),
    CONSTRAINT token_is_unique UNIQUE (token_hash),
    CONSTRAINT token_is_kept_as_sha256 CHECK (octet_length(token_hash) = 32),
    CONSTRAINT token_scopes_are_known CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['capture', 'read', 'admin']),
    CONSTRAINT token_is_limited_to_a_call_of_its_tenant FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call,
    CONSTRAINT token_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member,
    CONSTRAINT token_of_a_members_own_says_whose CHECK (NOT own OR author_id IS NOT NULL)
);

CREATE INDEX token_of_a_call ON ridealong.token (tenant_id, call_id) WHERE call_id IS NOT NULL;

CREATE TABLE ridealong.gap (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    at_ts integer NOT NULL,
    duration_ms integer NOT NULL,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, call_id, at_ts, reason, duration_ms),
    CONSTRAINT gap_belongs_to_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call,
    CONSTRAINT gap_has_a_length CHECK (at_ts >= 0 AND duration_ms > 0)
);

CREATE TABLE ridealong.transcript (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, call_id, revision),
    CONSTRAINT transcript_belongs_to_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call,
    CONSTRAINT transcript_revisions_count_from_one CHECK (revision >= 1)
);

CREATE TABLE ridealong.speaker_role (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    speaker_id integer NOT NULL,
    role text NOT NULL,
    source text NOT NULL,
    confidence double precision NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, call_id, revision, speaker_id),
    CONSTRAINT speaker_role_belongs_to_a_transcript FOREIGN KEY (tenant_id, call_id, revision) REFERENCES ridealong.transcript,
    CONSTRAINT speaker_role_is_known CHECK (role IN ('rep', 'customer', 'unknown')),
    CONSTRAINT speaker_role_source_is_known CHECK (source IN ('channel', 'enrolled_voice', 'stated', 'heuristic', 'none')),
    CONSTRAINT speaker_role_confidence_lies_between_0_and_1 CHECK (confidence BETWEEN 0 AND 1)
);

CREATE TABLE ridealong.utterance (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    utterance_no integer NOT NULL,
    speaker_id integer,
    start_ts integer NOT NULL,
    end_ts integer NOT NULL,
    text text NOT NULL,
    text_length integer NOT NULL GENERATED ALWAYS AS (char_length(text)) STORED,
    words jsonb NOT NULL DEFAULT '[]',
    overlapped boolean NOT NULL DEFAULT false,
    speaker_confidence double precision NOT NULL DEFAULT 1,
    embedding vector(384),
    terms tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('english'::regconfig, text)) STORED,
    PRIMARY KEY (tenant_id, call_id, revision, utterance_no),
    -- Where every citation leads. NULL for the speaker is the unattributed: no citation can match it.
    CONSTRAINT utterance_as_cited UNIQUE
        (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length),
    CONSTRAINT utterance_belongs_to_a_transcript FOREIGN KEY (tenant_id, call_id, revision) REFERENCES ridealong.transcript,
    CONSTRAINT utterance_numbers_count_from_zero CHECK (utterance_no >= 0),
    CONSTRAINT utterance_speakers_count_from_zero CHECK (speaker_id >= 0),
    CONSTRAINT utterance_ends_after_it_starts CHECK (start_ts >= 0 AND end_ts > start_ts),
    CONSTRAINT utterance_says_something CHECK (text ~ '\S'),
    CONSTRAINT utterance_speaker_confidence_lies_between_0_and_1 CHECK (speaker_confidence BETWEEN 0 AND 1)
);

-- In the row, not beside it: search compares thousands of vectors, and one fetched from elsewhere costs ten times more.
ALTER TABLE ridealong.utterance ALTER COLUMN embedding SET STORAGE PLAIN;

CREATE INDEX utterance_by_terms ON ridealong.utterance USING gin (terms) WITH (fastupdate = off);
CREATE INDEX utterance_by_meaning ON ridealong.utterance USING hnsw (embedding vector_ip_ops);

CREATE TRIGGER utterance_is_immutable BEFORE UPDATE OR DELETE ON ridealong.utterance
    FOR EACH ROW EXECUTE FUNCTION ridealong.refuse_change();
CREATE TRIGGER utterance_is_not_truncated BEFORE TRUNCATE ON ridealong.utterance
    FOR EACH STATEMENT EXECUTE FUNCTION ridealong.refuse_change();

---------------------------------------------------------------------------------------------------- moments

CREATE TABLE ridealong.moment (
    tenant_id uuid NOT NULL,
    moment_id uuid NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    type text NOT NULL,
    tier text NOT NULL,
    reason text NOT NULL,
    confidence double precision NOT NULL,
    nudge text NOT NULL,
    trigger_ts integer NOT NULL,
    utterance_no integer NOT NULL,
    speaker_id integer NOT NULL,
    start_ts integer NOT NULL,
    end_ts integer NOT NULL,
    text_length integer NOT NULL,
    quote_start integer NOT NULL,
    quote_end integer NOT NULL,
    embedding vector(384),
    terms tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('english'::regconfig, replace(type, '_', ' ') || ' ' || nudge)) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- `local`, or the hosted model that named the type, as `vendor:model`.
    decided_by text NOT NULL DEFAULT 'local',
    -- What policy went by beside the moment itself; NULL where it was decided before that was kept.
    decided_ts integer,
    rep_speaking boolean,
    role_known boolean,
    -- Grows within a call from decision to decision: of two at the same millisecond the first may have spent the budget.
    decision_no bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant_id, moment_id),
    CONSTRAINT moment_within_its_transcript UNIQUE (tenant_id, moment_id, call_id, revision),
    CONSTRAINT moment_within_its_call UNIQUE (tenant_id, moment_id, call_id),
    CONSTRAINT moment_cites_an_utterance_as_it_was_said FOREIGN KEY
        (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length),
    CONSTRAINT moment_quotes_words_inside_the_utterance CHECK
        (0 <= quote_start AND quote_start < quote_end AND quote_end <= text_length),
    CONSTRAINT moment_type_is_a_name CHECK (type ~ '^[a-z][a-z0-9_]{0,63}$'),
    CONSTRAINT moment_tier_is_known CHECK (tier IN ('nudge', 'noted')),
    CONSTRAINT moment_reason_is_known CHECK (reason IN ('delivered', 'low_confidence', 'budget_spent', 'cooling_down', 'late', 'role_unknown',
        'type_is_noted', 'quiet_period', 'rep_is_speaking', 'customer_is_thinking', 'held_out', 'added')),
    CONSTRAINT moment_keeps_all_of_what_policy_went_by_or_nothing CHECK
        (num_nulls(decided_ts, rep_speaking, role_known) IN (0, 3)),
    CONSTRAINT moment_is_not_decided_before_the_call CHECK (decided_ts >= 0),
    CONSTRAINT moment_confidence_lies_between_0_and_1 CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT moment_trigger_is_not_before_the_call CHECK (trigger_ts >= 0)
);

CREATE INDEX moment_of_an_utterance ON ridealong.moment (tenant_id, call_id, revision, utterance_no);
CREATE INDEX moment_by_type ON ridealong.moment (tenant_id, type, call_id);
CREATE INDEX moment_by_terms ON ridealong.moment USING gin (terms) WITH (fastupdate = off);
CREATE INDEX moment_by_meaning ON ridealong.moment USING hnsw (embedding vector_ip_ops);

CREATE TRIGGER moment_is_immutable BEFORE UPDATE OR DELETE ON ridealong.moment
    FOR EACH ROW EXECUTE FUNCTION ridealong.refuse_change();

-- A moment's or claim's second and later pieces of evidence; the first stands in its own row.
CREATE TABLE ridealong.moment_evidence (
    tenant_id uuid NOT NULL,
    moment_id uuid NOT NULL,
    position smallint NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    utterance_no integer NOT NULL,
    speaker_id integer NOT NULL,
    start_ts integer NOT NULL,
    end_ts integer NOT NULL,
    text_length integer NOT NULL,
    quote_start integer NOT NULL,
    quote_end integer NOT NULL,
    PRIMARY KEY (tenant_id, moment_id, position),
    CONSTRAINT moment_evidence_is_of_the_moments_own_transcript FOREIGN KEY (tenant_id, moment_id, call_id, revision)
        REFERENCES ridealong.moment (tenant_id, moment_id, call_id, revision),
    CONSTRAINT moment_evidence_cites_an_utterance_as_it_was_said FOREIGN KEY
        (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length),
    CONSTRAINT moment_evidence_quotes_words_inside_the_utterance CHECK
        (0 <= quote_start AND quote_start < quote_end AND quote_end <= text_length),
    CONSTRAINT moment_evidence_comes_after_the_first CHECK (position >= 1)
);

CREATE INDEX moment_evidence_of_a_call ON ridealong.moment_evidence (tenant_id, call_id, revision, utterance_no);

CREATE TRIGGER moment_evidence_is_immutable BEFORE UPDATE OR DELETE ON ridealong.moment_evidence
    FOR EACH ROW EXECUTE FUNCTION ridealong.refuse_change();

-- Where a moment's words stand in a later revision. The moment itself stays as it was; a revision without an anchor
-- does not have its words.
CREATE TABLE ridealong.moment_anchor (
    tenant_id uuid NOT NULL,
    moment_id uuid NOT NULL,
    revision integer NOT NULL,
    position smallint NOT NULL,
    call_id uuid NOT NULL,
    utterance_no integer NOT NULL,
    speaker_id integer NOT NULL,
    start_ts integer NOT NULL,
    end_ts integer NOT NULL,
    text_length integer NOT NULL,
    quote_start integer NOT NULL,
    quote_end integer NOT NULL,
    first_position smallint NOT NULL GENERATED ALWAYS AS (0) STORED,
    PRIMARY KEY (tenant_id, moment_id, revision, position),
    CONSTRAINT moment_anchor_is_of_a_moment_of_its_call FOREIGN KEY (tenant_id, moment_id, call_id)
        REFERENCES ridealong.moment (tenant_id, moment_id, call_id),
    CONSTRAINT moment_anchor_has_a_first_piece FOREIGN KEY (tenant_id, moment_id, revision, first_position)
        REFERENCES ridealong.moment_anchor (tenant_id, moment_id, revision, position),
    CONSTRAINT moment_anchor_cites_an_utterance_as_it_was_said FOREIGN KEY
        (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length),
    CONSTRAINT moment_anchor_quotes_words_inside_the_utterance CHECK
        (0 <= quote_start AND quote_start < quote_end AND quote_end <= text_length),
    CONSTRAINT moment_anchor_counts_from_zero CHECK (position >= 0),
    CONSTRAINT moment_anchor_is_of_a_later_revision CHECK (revision >= 2)
);

CREATE INDEX moment_anchor_of_a_call ON ridealong.moment_anchor (tenant_id, call_id, revision, utterance_no);

CREATE TRIGGER moment_anchor_is_immutable BEFORE UPDATE OR DELETE ON ridealong.moment_anchor
    FOR EACH ROW EXECUTE FUNCTION ridealong.refuse_change();

---------------------------------------------------------------------------------------------------- reviews

-- Written as `queued` in the transaction that ends the call: no call can end without its review being asked for.
CREATE TABLE ridealong.review (
    tenant_id uuid NOT NULL,
    review_id uuid NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    status text NOT NULL DEFAULT 'queued',
    reviewer text,
    rubric_id text,
    rubric_title text,
    rubric text,
    statistics jsonb NOT NULL DEFAULT '{}',
    score double precision,
    assessed boolean,
    warnings text[] NOT NULL DEFAULT '{}',
    missing_sections text[] NOT NULL DEFAULT '{}',
    dropped_drafts integer NOT NULL DEFAULT 0,
    failure text,
    queued_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    removed_claims integer NOT NULL DEFAULT 0,
    lowered_claims integer NOT NULL DEFAULT 0,
    unchecked_claims integer NOT NULL DEFAULT 0,
    -- Who was what when the review was made: where somebody corrected it since, the review is outdated.
    roles jsonb,
    -- What became of statements with a fault: fate, fault, how many.
    checks jsonb NOT NULL DEFAULT '{}',
    confidence_version text,
    -- What was known of the call when the review was made: where that changed since, the review is outdated.
    context jsonb,
    PRIMARY KEY (tenant_id, review_id),
    CONSTRAINT review_is_the_only_one_of_its_revision UNIQUE (tenant_id, call_id, revision),
    CONSTRAINT review_within_its_transcript UNIQUE (tenant_id, review_id, call_id, revision),
    CONSTRAINT review_belongs_to_a_transcript FOREIGN KEY (tenant_id, call_id, revision) REFERENCES ridealong.transcript,
    CONSTRAINT review_status_is_known CHECK (status IN ('queued', 'running', 'finished', 'failed')),
    CONSTRAINT review_that_finished_is_complete CHECK (status <> 'finished' OR (reviewer IS NOT NULL AND rubric_id IS NOT NULL
        AND rubric_title IS NOT NULL AND score IS NOT NULL AND assessed IS NOT NULL AND finished_at IS NOT NULL)),
    CONSTRAINT review_that_failed_says_why CHECK (status <> 'failed' OR failure IS NOT NULL),
    CONSTRAINT review_score_lies_between_0_and_100 CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT review_drops_no_less_than_nothing CHECK (dropped_drafts >= 0),
    CONSTRAINT review_second_reading_counts_from_zero CHECK
        (removed_claims >= 0 AND lowered_claims >= 0 AND unchecked_claims >= 0)
);

CREATE INDEX review_that_is_unfinished ON ridealong.review (queued_at) WHERE status IN ('queued', 'running');

CREATE TABLE ridealong.review_section (
    tenant_id uuid NOT NULL,
    review_id uuid NOT NULL,
    section_id text NOT NULL,
    position smallint NOT NULL,
    title text NOT NULL,
    score double precision NOT NULL,
    confidence double precision NOT NULL,
    not_assessed text[] NOT NULL DEFAULT '{}',
    -- What the score was made of: weights, what does not apply, what became of the rules. No word of the call.
    workings jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, review_id, section_id),
    CONSTRAINT review_section_belongs_to_a_review FOREIGN KEY (tenant_id, review_id) REFERENCES ridealong.review,
    CONSTRAINT review_section_score_lies_between_0_and_100 CHECK (score BETWEEN 0 AND 100),
    CONSTRAINT review_section_confidence_lies_between_0_and_1 CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT review_section_workings_are_an_object CHECK (jsonb_typeof(workings) = 'object')
);

-- What each step of a review asked of which model or recogniser, and what that took. No word of the call.
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
    prompt text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, review_id, step, position),
    -- Goes with its review, so that erasing a call needs to know nothing about it.
    CONSTRAINT review_step_belongs_to_a_review FOREIGN KEY (tenant_id, review_id) REFERENCES ridealong.review
        ON DELETE CASCADE,
    CONSTRAINT review_step_part_is_known CHECK (part IN ('draft', 'repair', 'verify', 'transcribe')),
    CONSTRAINT review_step_outcome_is_known CHECK
        (outcome IN ('answered', 'late', 'refused', 'busy', 'budget_spent', 'away', 'bad_answer')),
    CONSTRAINT review_step_counts_from_zero CHECK (attempts >= 0 AND input_tokens >= 0 AND cache_read_tokens >= 0
        AND cache_written_tokens >= 0 AND output_tokens >= 0 AND cost_usd >= 0 AND seconds >= 0)
);

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

CREATE TABLE ridealong.claim (
    tenant_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    review_id uuid NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    kind text NOT NULL,
    position smallint NOT NULL,
    section_id text,
    criterion_id text,
    score text,
    title text,
    advice text,
    statement text NOT NULL,
    confidence double precision NOT NULL,
    through integer,
    utterance_no integer NOT NULL,
    speaker_id integer NOT NULL,
    start_ts integer NOT NULL,
    end_ts integer NOT NULL,
    text_length integer NOT NULL,
    quote_start integer NOT NULL,
    quote_end integer NOT NULL,
    embedding vector(384),
    terms tsvector NOT NULL GENERATED ALWAYS AS
        (to_tsvector('english'::regconfig, statement || ' ' || coalesce(title, '') || ' ' || coalesce(advice, ''))) STORED,
    -- What `confidence` was made of: numbers, and no word of the call.
    signals jsonb,
    -- Of a claim of absence: where its search began, and what came closest to showing it after all (cosine).
    searched_from integer,
    closest_no integer,
    closest_similarity double precision,
    why text,
    gap text,
    sections text[],
    who text,
    due text,
    part text,
    -- What the evidence of a claim of absence is; NULL on claims made before this was told.
    cited_as text,
    PRIMARY KEY (tenant_id, claim_id),
    CONSTRAINT claim_within_its_transcript UNIQUE (tenant_id, claim_id, call_id, revision),
    CONSTRAINT claim_is_about_its_reviews_own_transcript FOREIGN KEY (tenant_id, review_id, call_id, revision)
        REFERENCES ridealong.review (tenant_id, review_id, call_id, revision),
    CONSTRAINT claim_belongs_to_a_section_of_its_review FOREIGN KEY (tenant_id, review_id, section_id)
        REFERENCES ridealong.review_section,
    CONSTRAINT claim_cites_an_utterance_as_it_was_said FOREIGN KEY
        (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length),
    CONSTRAINT claim_quotes_words_inside_the_utterance CHECK
        (0 <= quote_start AND quote_start < quote_end AND quote_end <= text_length),
    CONSTRAINT claim_of_absence_searched_through_an_utterance FOREIGN KEY (tenant_id, call_id, revision, through)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no),
    CONSTRAINT claim_of_absence_searched_not_less_than_it_cites CHECK (through >= utterance_no),
    CONSTRAINT claim_of_absence_came_closest_to_an_utterance FOREIGN KEY (tenant_id, call_id, revision, closest_no)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no),
    CONSTRAINT claim_that_searched_is_one_of_absence CHECK
        (through IS NOT NULL OR (searched_from IS NULL AND closest_no IS NULL AND closest_similarity IS NULL)),
    CONSTRAINT claim_of_absence_searched_a_span CHECK
        (searched_from >= 0 AND searched_from <= through AND closest_no BETWEEN searched_from AND through),
    CONSTRAINT claim_that_came_close_says_how_close CHECK
        ((closest_no IS NULL) = (closest_similarity IS NULL) AND closest_similarity BETWEEN -1 AND 1),
    CONSTRAINT claim_of_absence_says_what_it_cites CHECK
        (through IS NOT NULL AND cited_as IN ('called_for', 'nearest', 'place', 'span') OR cited_as IS NULL),
    CONSTRAINT claim_states_something CHECK (statement ~ '\S'),
    CONSTRAINT claim_confidence_lies_between_0_and_1 CHECK (confidence BETWEEN 0 AND 1),
    CONSTRAINT claim_has_what_its_kind_needs_and_nothing_else CHECK (CASE kind
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
        ELSE false END)
);

CREATE INDEX claim_of_a_review ON ridealong.claim (tenant_id, review_id, section_id);
CREATE INDEX claim_of_an_utterance ON ridealong.claim (tenant_id, call_id, revision, utterance_no);
CREATE INDEX claim_by_terms ON ridealong.claim USING gin (terms) WITH (fastupdate = off);
CREATE INDEX claim_by_meaning ON ridealong.claim USING hnsw (embedding vector_ip_ops);

-- Deleting is allowed: a review that is done again replaces its claims.
CREATE TRIGGER claim_is_immutable BEFORE UPDATE ON ridealong.claim
    FOR EACH ROW EXECUTE FUNCTION ridealong.refuse_change();

CREATE TABLE ridealong.claim_evidence (
    tenant_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    position smallint NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    utterance_no integer NOT NULL,
    speaker_id integer NOT NULL,
    start_ts integer NOT NULL,
    end_ts integer NOT NULL,
    text_length integer NOT NULL,
    quote_start integer NOT NULL,
    quote_end integer NOT NULL,
    PRIMARY KEY (tenant_id, claim_id, position),
    CONSTRAINT claim_evidence_is_of_the_claims_own_transcript FOREIGN KEY (tenant_id, claim_id, call_id, revision)
        REFERENCES ridealong.claim (tenant_id, claim_id, call_id, revision) ON DELETE CASCADE,
    CONSTRAINT claim_evidence_cites_an_utterance_as_it_was_said FOREIGN KEY
        (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length),
    CONSTRAINT claim_evidence_quotes_words_inside_the_utterance CHECK
        (0 <= quote_start AND quote_start < quote_end AND quote_end <= text_length),
    CONSTRAINT claim_evidence_comes_after_the_first CHECK (position >= 1)
);

CREATE INDEX claim_evidence_of_a_call ON ridealong.claim_evidence (tenant_id, call_id, revision, utterance_no);

CREATE FUNCTION ridealong.refuse_evidence_past_the_search() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $refuse$
BEGIN
    IF EXISTS (SELECT FROM ridealong.claim c WHERE c.tenant_id = NEW.tenant_id AND c.claim_id = NEW.claim_id
               AND c.through < NEW.utterance_no) THEN
        RAISE EXCEPTION 'a claim of absence cites an utterance after the last one that was searched'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END;
$refuse$;

CREATE TRIGGER claim_of_absence_searched_not_less_than_its_evidence BEFORE INSERT ON ridealong.claim_evidence
    FOR EACH ROW EXECUTE FUNCTION ridealong.refuse_evidence_past_the_search();
CREATE TRIGGER claim_evidence_is_immutable BEFORE UPDATE ON ridealong.claim_evidence
    FOR EACH ROW EXECUTE FUNCTION ridealong.refuse_change();

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

---------------------------------------------------------------------------------------------------- what people say about calls

-- Who a speaker is, as a person said it. It stands beside what was heard, and holds against it whatever is heard later.
CREATE TABLE ridealong.speaker_correction (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    speaker_id integer NOT NULL,
    role text,
    name text,
    author_id uuid,
    author_name text NOT NULL,
    corrected_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, call_id, revision, speaker_id),
    CONSTRAINT speaker_correction_belongs_to_a_transcript FOREIGN KEY (tenant_id, call_id, revision)
        REFERENCES ridealong.transcript,
    CONSTRAINT speaker_correction_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member,
    CONSTRAINT speaker_correction_role_is_known CHECK (role IN ('rep', 'customer', 'unknown')),
    CONSTRAINT speaker_correction_name_says_something CHECK (name ~ '\S' AND char_length(name) <= 100),
    CONSTRAINT speaker_correction_speakers_count_from_zero CHECK (speaker_id >= 0)
);

-- A vote is about a claim and never changes it. No foreign key: a review that is made again writes its claims anew, a claim
-- that still stands under the same id, and the vote on it stands too.
CREATE TABLE ridealong.claim_vote (
    tenant_id uuid NOT NULL,
    vote_id uuid NOT NULL,
    call_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    verdict text NOT NULL,
    note text NOT NULL DEFAULT '',
    author_id uuid,
    author_name text NOT NULL,
    voted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, vote_id),
    CONSTRAINT claim_vote_is_one_of_each_author UNIQUE NULLS NOT DISTINCT (tenant_id, claim_id, author_id),
    CONSTRAINT claim_vote_belongs_to_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call,
    CONSTRAINT claim_vote_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member,
    CONSTRAINT claim_vote_verdict_is_known CHECK (verdict IN ('agree', 'disagree')),
    CONSTRAINT claim_vote_note_is_short CHECK (char_length(note) <= 2000)
);

CREATE INDEX claim_vote_of_a_call ON ridealong.claim_vote (tenant_id, call_id);

CREATE TABLE ridealong.moment_feedback (
    tenant_id uuid NOT NULL,
    feedback_id uuid NOT NULL,
    call_id uuid NOT NULL,
    moment_id uuid NOT NULL,
    verdict text NOT NULL,
    author_id uuid,
    author_name text NOT NULL,
    given_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, feedback_id),
    CONSTRAINT moment_feedback_is_one_of_each_author UNIQUE NULLS NOT DISTINCT (tenant_id, moment_id, author_id),
    CONSTRAINT moment_feedback_is_about_a_moment_of_its_call FOREIGN KEY (tenant_id, moment_id, call_id)
        REFERENCES ridealong.moment (tenant_id, moment_id, call_id),
    CONSTRAINT moment_feedback_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member,
    CONSTRAINT moment_feedback_verdict_is_known CHECK (verdict IN ('helpful', 'not_now', 'wrong'))
);

CREATE INDEX moment_feedback_of_a_call ON ridealong.moment_feedback (tenant_id, call_id);

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

CREATE TABLE ridealong.call_mark (
    tenant_id uuid NOT NULL,
    mark_id uuid NOT NULL,
    call_id uuid NOT NULL,
    at_ts integer NOT NULL,
    author_id uuid,
    author_name text NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, mark_id),
    CONSTRAINT call_mark_belongs_to_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call,
    CONSTRAINT call_mark_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member,
    CONSTRAINT call_mark_is_not_before_the_call CHECK (at_ts >= 0)
);

CREATE INDEX call_mark_of_a_call ON ridealong.call_mark (tenant_id, call_id);

CREATE TABLE ridealong.comment (
    tenant_id uuid NOT NULL,
    comment_id uuid NOT NULL,
    call_id uuid NOT NULL,
    at_ts integer NOT NULL,
    text text NOT NULL,
    reply_to uuid,
    author_id uuid,
    author_name text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, comment_id),
    CONSTRAINT comment_within_its_call UNIQUE (tenant_id, comment_id, call_id),
    CONSTRAINT comment_belongs_to_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call,
    CONSTRAINT comment_replies_to_one_of_its_call FOREIGN KEY (tenant_id, reply_to, call_id)
        REFERENCES ridealong.comment (tenant_id, comment_id, call_id),
    CONSTRAINT comment_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member,
    CONSTRAINT comment_is_not_before_the_call CHECK (at_ts >= 0),
    CONSTRAINT comment_says_something_until_it_is_deleted CHECK
        (CASE WHEN deleted_at IS NULL THEN text ~ '\S' AND char_length(text) <= 4000 ELSE text = '' END)
);

CREATE INDEX comment_of_a_call ON ridealong.comment (tenant_id, call_id);

-- A link for somebody without an account. The token itself is told once.
CREATE TABLE ridealong.share (
    tenant_id uuid NOT NULL,
    share_id uuid NOT NULL,
    call_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    scope text NOT NULL,
    audio boolean NOT NULL,
    author_id uuid,
    author_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, share_id),
    CONSTRAINT share_token_is_unique UNIQUE (token_hash),
    CONSTRAINT share_token_is_kept_as_sha256 CHECK (octet_length(token_hash) = 32),
    CONSTRAINT share_belongs_to_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call,
    CONSTRAINT share_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member,
    CONSTRAINT share_scope_is_known CHECK (scope IN ('report', 'call')),
    CONSTRAINT share_expires_after_it_was_made CHECK (expires_at > created_at)
);

CREATE INDEX share_of_a_call ON ridealong.share (tenant_id, call_id);

CREATE TABLE ridealong.playlist (
    tenant_id uuid NOT NULL REFERENCES ridealong.tenant,
    playlist_id uuid NOT NULL,
    name text NOT NULL,
    author_id uuid,
    author_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, playlist_id),
    CONSTRAINT playlist_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member,
    CONSTRAINT playlist_name_says_something CHECK (name ~ '\S' AND char_length(name) <= 200)
);

-- An item plays from clip_start_ts to clip_end_ts and cites what is said there, as a claim does: an utterance as it was said.
CREATE TABLE ridealong.playlist_item (
    tenant_id uuid NOT NULL,
    item_id uuid NOT NULL,
    playlist_id uuid NOT NULL,
    kind text NOT NULL,
    moment_id uuid,
    -- As for votes: the claim may be written anew. What the item cites is the utterance.
    claim_id uuid,
    clip_start_ts integer NOT NULL,
    clip_end_ts integer NOT NULL,
    note text NOT NULL DEFAULT '',
    author_id uuid,
    author_name text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    call_id uuid NOT NULL,
    revision integer NOT NULL,
    utterance_no integer NOT NULL,
    speaker_id integer NOT NULL,
    start_ts integer NOT NULL,
    end_ts integer NOT NULL,
    text_length integer NOT NULL,
    quote_start integer NOT NULL,
    quote_end integer NOT NULL,
    PRIMARY KEY (tenant_id, item_id),
    CONSTRAINT playlist_item_belongs_to_a_playlist FOREIGN KEY (tenant_id, playlist_id) REFERENCES ridealong.playlist
        ON DELETE CASCADE,
    CONSTRAINT playlist_item_is_of_a_moment_of_its_call FOREIGN KEY (tenant_id, moment_id, call_id)
        REFERENCES ridealong.moment (tenant_id, moment_id, call_id),
    CONSTRAINT playlist_item_cites_an_utterance_as_it_was_said FOREIGN KEY
        (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length)
        REFERENCES ridealong.utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text_length),
    CONSTRAINT playlist_item_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member,
    CONSTRAINT playlist_item_quotes_words_inside_the_utterance CHECK
        (0 <= quote_start AND quote_start < quote_end AND quote_end <= text_length),
    CONSTRAINT playlist_item_is_of_what_its_kind_says CHECK (CASE kind
        WHEN 'utterance' THEN moment_id IS NULL AND claim_id IS NULL
        WHEN 'moment' THEN moment_id IS NOT NULL AND claim_id IS NULL
        WHEN 'claim' THEN claim_id IS NOT NULL AND moment_id IS NULL
        ELSE false END),
    CONSTRAINT playlist_item_has_a_length CHECK (clip_start_ts >= 0 AND clip_end_ts > clip_start_ts),
    CONSTRAINT playlist_item_plays_what_it_cites CHECK (clip_start_ts < end_ts AND clip_end_ts > start_ts),
    CONSTRAINT playlist_item_note_is_short CHECK (char_length(note) <= 2000)
);

CREATE INDEX playlist_item_of_a_playlist ON ridealong.playlist_item (tenant_id, playlist_id);
CREATE INDEX playlist_item_of_a_call ON ridealong.playlist_item (tenant_id, call_id, revision, utterance_no);

---------------------------------------------------------------------------------------------------- settings of a tenant

-- What a tenant's admin chose; without a row, and where it is NULL: as the product comes.
CREATE TABLE ridealong.tenant_setting (
    tenant_id uuid PRIMARY KEY,
    retention_days integer,
    default_rubric text,
    default_template text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenant_setting_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT tenant_setting_keeps_calls_for_a_day_at_least CHECK (retention_days >= 1)
);

-- How consent to record is asked for, by region, in the order in which they are shown.
CREATE TABLE ridealong.consent_wording (
    tenant_id uuid NOT NULL,
    region text NOT NULL,
    position smallint NOT NULL,
    wording text NOT NULL,
    PRIMARY KEY (tenant_id, region),
    CONSTRAINT consent_wording_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT consent_wording_says_something CHECK (region ~ '\S' AND wording ~ '\S')
);

-- Which template a report for an audience is rendered by; without a row the one that has the audience's name.
CREATE TABLE ridealong.audience_template (
    tenant_id uuid NOT NULL,
    audience text NOT NULL,
    form text NOT NULL,
    template text NOT NULL,
    PRIMARY KEY (tenant_id, audience, form),
    CONSTRAINT audience_template_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT audience_template_names_an_audience CHECK (audience ~ '\S' AND template ~ '\S')
);

-- What happened to calls, as a feed that can be read again from any place. Written in the transaction of what it tells of;
-- numbered afterwards, by who reads it: whoever has seen a position has seen all before it, in whatever order they came.
CREATE TABLE ridealong.event (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL DEFAULT gen_random_uuid(),
    arrival bigint GENERATED ALWAYS AS IDENTITY,
    position bigint,
    type text NOT NULL,
    call_id uuid NOT NULL,
    -- Of what: the review of `review.done`, the moment of `moment.found`.
    subject_id uuid,
    happened_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, event_id),
    CONSTRAINT event_has_a_position_of_its_own UNIQUE (tenant_id, position),
    CONSTRAINT event_type_is_known CHECK (type IN ('call.ended', 'review.done', 'moment.found')),
    CONSTRAINT event_is_about_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call ON DELETE CASCADE
);

CREATE INDEX event_without_a_position ON ridealong.event (tenant_id, arrival) WHERE position IS NULL;
CREATE INDEX event_of_a_call ON ridealong.event (tenant_id, call_id);

-- How far the tenant's events are numbered. A row of its own: positions of what was erased are not given again.
CREATE TABLE ridealong.event_count (
    tenant_id uuid PRIMARY KEY,
    numbered bigint NOT NULL DEFAULT 0,
    CONSTRAINT event_count_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT event_count_only_grows_from_zero CHECK (numbered >= 0)
);

-- Whom a tenant wants told. The secret that signs is sealed by the application, bound to tenant and webhook.
CREATE TABLE ridealong.webhook (
    tenant_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    sealed_secret bytea NOT NULL,
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_status integer,
    last_at timestamptz,
    -- `webhook`: signed JSON. `slack`: a rendered report; its address is its secret, and `url` the part that may be shown.
    -- `email`: `url` is mailto:rep, mailto:managers or mailto: with an address.
    kind text NOT NULL DEFAULT 'webhook',
    -- For whom the report of `slack` and `email` is.
    audience text NOT NULL DEFAULT 'manager',
    PRIMARY KEY (tenant_id, webhook_id),
    CONSTRAINT webhook_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT webhook_secret_is_sealed CHECK (octet_length(sealed_secret) > 33),
    CONSTRAINT webhook_events_are_known CHECK
        (cardinality(events) > 0 AND events <@ ARRAY['call.ended', 'review.done', 'moment.found']),
    CONSTRAINT webhook_kind_is_known CHECK (kind IN ('webhook', 'slack', 'email')),
    CONSTRAINT webhook_sends_a_report_when_there_is_one CHECK (kind = 'webhook' OR events = ARRAY['review.done']),
    CONSTRAINT webhook_mails_to_an_address CHECK ((kind = 'email') = (url LIKE 'mailto:%'))
);

-- What is to be told, and for a while what was: written in the transaction of what it tells of.
CREATE TABLE ridealong.webhook_delivery (
    tenant_id uuid NOT NULL,
    delivery_id uuid NOT NULL DEFAULT gen_random_uuid(),
    webhook_id uuid NOT NULL,
    event text NOT NULL,
    call_id uuid NOT NULL,
    happened_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    event_id uuid NOT NULL,
    recipient text NOT NULL DEFAULT '',
    -- `dead`: given up after the last attempt, or refused for good.
    status text NOT NULL DEFAULT 'waiting',
    settled_at timestamptz,
    PRIMARY KEY (tenant_id, delivery_id),
    CONSTRAINT webhook_delivery_belongs_to_a_webhook FOREIGN KEY (tenant_id, webhook_id) REFERENCES ridealong.webhook
        ON DELETE CASCADE,
    -- Goes with its call, so that erasing a call needs to know nothing about it.
    CONSTRAINT webhook_delivery_is_about_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call ON DELETE CASCADE,
    CONSTRAINT webhook_delivery_tells_of_an_event FOREIGN KEY (tenant_id, event_id) REFERENCES ridealong.event ON DELETE CASCADE,
    CONSTRAINT webhook_delivery_status_is_known CHECK (status IN ('waiting', 'delivered', 'dead')),
    CONSTRAINT webhook_delivery_that_is_settled_is_due_no_more CHECK
        (CASE status WHEN 'waiting' THEN settled_at IS NULL ELSE settled_at IS NOT NULL AND due_at = 'infinity' END)
);

CREATE INDEX webhook_delivery_that_is_due ON ridealong.webhook_delivery (due_at);
CREATE INDEX webhook_delivery_of_a_webhook ON ridealong.webhook_delivery (tenant_id, webhook_id);
CREATE INDEX webhook_delivery_of_a_call ON ridealong.webhook_delivery (tenant_id, call_id);

CREATE INDEX webhook_delivery_of_an_event ON ridealong.webhook_delivery (tenant_id, event_id);

-- Each attempt to deliver, for who looks why something did not arrive. What the other side answered is not kept.
CREATE TABLE ridealong.webhook_attempt (
    tenant_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    attempt integer NOT NULL,
    tried_at timestamptz NOT NULL DEFAULT now(),
    -- The status of HTTP or SMTP; NULL where there was no answer.
    answer integer,
    outcome text NOT NULL,
    duration_ms integer NOT NULL,
    PRIMARY KEY (tenant_id, delivery_id, attempt),
    CONSTRAINT webhook_attempt_belongs_to_a_delivery FOREIGN KEY (tenant_id, delivery_id)
        REFERENCES ridealong.webhook_delivery ON DELETE CASCADE,
    CONSTRAINT webhook_attempt_outcome_is_known CHECK (outcome IN ('taken', 'refused', 'not reached', 'too late', 'not made')),
    CONSTRAINT webhook_attempt_takes_time CHECK (duration_ms >= 0)
);

-- Whom an e-mail about a call goes to, one row each, so that each is tried by itself; of other kinds one row without.
CREATE FUNCTION ridealong.recipients_of(kind text, url text, call uuid) RETURNS TABLE (recipient text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $recipients$
    SELECT '' WHERE kind <> 'email'
    UNION
    SELECT m.email FROM ridealong.member m JOIN ridealong.call c ON c.tenant_id = m.tenant_id AND c.rep_id = m.rep_id
    WHERE kind = 'email' AND url = 'mailto:rep' AND c.call_id = call AND m.tenant_id = ridealong.current_tenant()
        AND m.disabled_at IS NULL
    UNION
    SELECT m.email FROM ridealong.member m WHERE kind = 'email' AND url = 'mailto:managers' AND m.role IN ('manager', 'admin')
        AND m.tenant_id = ridealong.current_tenant() AND m.disabled_at IS NULL
    UNION
    SELECT substr(url, 8) WHERE kind = 'email' AND url NOT IN ('mailto:rep', 'mailto:managers');
$recipients$;

CREATE FUNCTION ridealong.tell_webhooks() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tell$
DECLARE
    subject uuid;
    told uuid;
BEGIN
    IF TG_ARGV[0] = 'review.done' THEN
        subject := NEW.review_id;
    ELSIF TG_ARGV[0] = 'moment.found' THEN
        subject := NEW.moment_id;
    END IF;
    INSERT INTO ridealong.event (tenant_id, type, call_id, subject_id) VALUES (NEW.tenant_id, TG_ARGV[0], NEW.call_id, subject)
    RETURNING event_id INTO told;
    INSERT INTO ridealong.webhook_delivery (tenant_id, webhook_id, event, call_id, event_id, recipient)
    SELECT w.tenant_id, w.webhook_id, TG_ARGV[0], NEW.call_id, told, r.recipient
    FROM ridealong.webhook w CROSS JOIN LATERAL ridealong.recipients_of(w.kind, w.url, NEW.call_id) r
    WHERE w.tenant_id = NEW.tenant_id AND w.active AND TG_ARGV[0] = ANY (w.events);
    RETURN NULL;
END;
$tell$;

CREATE TRIGGER call_that_ended_is_told AFTER UPDATE OF status ON ridealong.call FOR EACH ROW
    WHEN (OLD.status = 'live' AND NEW.status = 'ended') EXECUTE FUNCTION ridealong.tell_webhooks('call.ended');
CREATE TRIGGER review_that_is_done_is_told AFTER UPDATE OF status ON ridealong.review FOR EACH ROW
    WHEN (OLD.status <> 'finished' AND NEW.status = 'finished') EXECUTE FUNCTION ridealong.tell_webhooks('review.done');
CREATE TRIGGER moment_that_was_found_is_told AFTER INSERT ON ridealong.moment FOR EACH ROW
    EXECUTE FUNCTION ridealong.tell_webhooks('moment.found');

-- What a list of calls shows of reviews and moments is kept in the call: looked up there, a page of 20,000 calls takes seconds.
CREATE FUNCTION ridealong.tell_call_of_review() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tell$
BEGIN
    -- Of several revisions the newest counts, whichever was written last.
    UPDATE ridealong.call c SET review_status = NEW.status,
        score = CASE WHEN NEW.status = 'finished' AND NEW.assessed THEN NEW.score END
    WHERE c.tenant_id = NEW.tenant_id AND c.call_id = NEW.call_id
        AND NOT EXISTS (SELECT FROM ridealong.review r WHERE r.tenant_id = NEW.tenant_id AND r.call_id = NEW.call_id
            AND r.revision > NEW.revision);
    RETURN NULL;
END;
$tell$;

CREATE FUNCTION ridealong.tell_call_of_moment() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $tell$
BEGIN
    UPDATE ridealong.call c SET moment_types = array_append(c.moment_types, NEW.type)
    WHERE c.tenant_id = NEW.tenant_id AND c.call_id = NEW.call_id AND NEW.type <> ALL (c.moment_types);
    RETURN NULL;
END;
$tell$;

CREATE TRIGGER review_is_told_to_its_call AFTER INSERT OR UPDATE OF status, score, assessed, revision ON ridealong.review
    FOR EACH ROW EXECUTE FUNCTION ridealong.tell_call_of_review();
CREATE TRIGGER moment_is_told_to_its_call AFTER INSERT ON ridealong.moment
    FOR EACH ROW EXECUTE FUNCTION ridealong.tell_call_of_moment();

---------------------------------------------------------------------------------------------------- training

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

-- Every piece of evidence with the words it quotes, cut from the utterance and kept nowhere else.
CREATE VIEW ridealong.evidence WITH (security_invoker = true) AS
SELECT e.*, substr(u.text, e.quote_start + 1, e.quote_end - e.quote_start) AS quote
FROM (
    SELECT tenant_id, 'moment' AS kind, moment_id AS id, 0::smallint AS position, call_id, revision, utterance_no,
           speaker_id, start_ts, end_ts, quote_start, quote_end FROM ridealong.moment
    UNION ALL
    SELECT tenant_id, 'moment', moment_id, position, call_id, revision, utterance_no,
           speaker_id, start_ts, end_ts, quote_start, quote_end FROM ridealong.moment_evidence
    UNION ALL
    SELECT tenant_id, 'moment', moment_id, position, call_id, revision, utterance_no,
           speaker_id, start_ts, end_ts, quote_start, quote_end FROM ridealong.moment_anchor
    UNION ALL
    SELECT tenant_id, 'claim', claim_id, 0::smallint, call_id, revision, utterance_no,
           speaker_id, start_ts, end_ts, quote_start, quote_end FROM ridealong.claim
    UNION ALL
    SELECT tenant_id, 'claim', claim_id, position, call_id, revision, utterance_no,
           speaker_id, start_ts, end_ts, quote_start, quote_end FROM ridealong.claim_evidence
) e JOIN ridealong.utterance u USING (tenant_id, call_id, revision, utterance_no);

-- The planner's samples would keep words of a call after it was erased. Names that the rules above list are no words.
DO $samples$
DECLARE
    name record;
BEGIN
    FOR name IN SELECT a.attrelid::regclass AS relation, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'ridealong'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
        AND a.atttypid IN ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype, 'tsvector'::regtype)
        AND a.attname NOT IN ('status', 'review_status', 'moment_types', 'kind', 'tier', 'type', 'role', 'source', 'scopes', 'rep_id', 'slug')
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', name.relation, name.attname);
    END LOOP;
END;
$samples$;
ALTER TABLE ridealong.vendor_account ALTER COLUMN sealed_key SET STATISTICS 0;
ALTER TABLE ridealong.webhook ALTER COLUMN sealed_secret SET STATISTICS 0;

---------------------------------------------------------------------------------------------------- who may see what

ALTER TABLE ridealong.confidence_model ENABLE ROW LEVEL SECURITY;
ALTER TABLE ridealong.confidence_model FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_current_tenant ON ridealong.confidence_model
    USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant());

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenant', 'rep', 'voiceprint', 'document', 'model_choice', 'vendor_account', 'token_budget', 'token_count',
        'member', 'session', 'invite', 'call', 'token', 'gap', 'transcript',
        'speaker_role', 'utterance', 'moment', 'moment_evidence', 'moment_anchor', 'review', 'review_section', 'review_step', 'claim',
        'claim_evidence', 'speaker_correction', 'claim_vote', 'moment_feedback', 'call_mark', 'comment', 'share', 'playlist',
        'playlist_item', 'nudge_sighting', 'nudge_effect', 'outline_stage', 'earlier_artifact', 'review_step_result']
    LOOP
        EXECUTE format('ALTER TABLE ridealong.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ridealong.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_current_tenant ON ridealong.%I '
            'USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant())', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['tenant', 'member', 'session', 'invite', 'call', 'token', 'transcript', 'utterance', 'moment', 'review',
        'claim', 'share']
    LOOP
        EXECUTE format('CREATE POLICY what_the_lookups_need ON ridealong.%I FOR SELECT TO ridealong_lookup USING (true)', name);
    END LOOP;
END;
$policies$;

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenant_setting', 'consent_wording', 'webhook', 'webhook_delivery']
    LOOP
        EXECUTE format('ALTER TABLE ridealong.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ridealong.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_current_tenant ON ridealong.%I '
            'USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant())', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.%I TO ridealong_app', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['tenant_setting', 'webhook_delivery']
    LOOP
        EXECUTE format('CREATE POLICY what_the_lookups_need ON ridealong.%I FOR SELECT TO ridealong_lookup USING (true)', name);
        EXECUTE format('GRANT SELECT ON ridealong.%I TO ridealong_lookup', name);
    END LOOP;
    CREATE POLICY own_calls_only ON ridealong.webhook_delivery AS RESTRICTIVE TO ridealong_app
        USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c
        WHERE c.tenant_id = webhook_delivery.tenant_id AND c.call_id = webhook_delivery.call_id));
END;
$policies$;

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['audience_template', 'event', 'event_count', 'webhook_attempt']
    LOOP
        EXECUTE format('ALTER TABLE ridealong.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ridealong.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_current_tenant ON ridealong.%I '
            'USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant())', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.%I TO ridealong_app', name);
    END LOOP;
    CREATE POLICY own_calls_only ON ridealong.event AS RESTRICTIVE TO ridealong_app
        USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c
        WHERE c.tenant_id = event.tenant_id AND c.call_id = event.call_id));
    CREATE POLICY own_calls_only ON ridealong.webhook_attempt AS RESTRICTIVE TO ridealong_app
        USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.webhook_delivery d
        WHERE d.tenant_id = webhook_attempt.tenant_id AND d.delivery_id = webhook_attempt.delivery_id));
END;
$policies$;

-- A rep sees own calls only, whatever is asked: the transaction says whose (`ridealong.rep`). Restrictive: it narrows what
-- the tenant's policy lets through. For the application's role alone: the search could use no index below it, and says
-- itself what it lets through.
DO $own_calls$
DECLARE
    name text;
BEGIN
    CREATE POLICY own_calls_only ON ridealong.call AS RESTRICTIVE TO ridealong_app
        USING ((SELECT ridealong.current_rep()) IS NULL OR rep_id = (SELECT ridealong.current_rep()));
    FOREACH name IN ARRAY ARRAY['gap', 'transcript', 'speaker_role', 'utterance', 'moment', 'moment_evidence', 'moment_anchor',
        'review', 'claim', 'claim_evidence', 'speaker_correction', 'claim_vote', 'moment_feedback', 'call_mark', 'comment', 'share',
        'playlist_item', 'nudge_sighting', 'nudge_effect', 'outline_stage', 'earlier_artifact']
    LOOP
        EXECUTE format('CREATE POLICY own_calls_only ON ridealong.%1$I AS RESTRICTIVE TO ridealong_app '
            'USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c '
            'WHERE c.tenant_id = %1$I.tenant_id AND c.call_id = %1$I.call_id))', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['review_section', 'review_step', 'review_step_result']
    LOOP
        EXECUTE format('CREATE POLICY own_calls_only ON ridealong.%1$I AS RESTRICTIVE TO ridealong_app '
            'USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.review r '
            'WHERE r.tenant_id = %1$I.tenant_id AND r.review_id = %1$I.review_id))', name);
    END LOOP;
END;
$own_calls$;

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

REVOKE ALL ON SCHEMA ridealong FROM PUBLIC;
GRANT USAGE ON SCHEMA ridealong TO ridealong_app, ridealong_lookup;

GRANT SELECT, INSERT ON ridealong.tenant, ridealong.transcript, ridealong.utterance, ridealong.gap, ridealong.moment,
    ridealong.moment_evidence, ridealong.moment_anchor TO ridealong_app;
GRANT UPDATE (name) ON ridealong.tenant TO ridealong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.voiceprint, ridealong.model_choice, ridealong.vendor_account,
    ridealong.token_budget, ridealong.token_count, ridealong.session, ridealong.invite TO ridealong_app;
GRANT SELECT, INSERT, UPDATE ON ridealong.member TO ridealong_app;
GRANT SELECT, INSERT, UPDATE ON ridealong.rep, ridealong.document, ridealong.call, ridealong.token,
    ridealong.speaker_role, ridealong.review TO ridealong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.review_section TO ridealong_app;
GRANT SELECT, INSERT, DELETE ON ridealong.review_step, ridealong.review_step_result TO ridealong_app;
GRANT SELECT, INSERT, DELETE ON ridealong.claim TO ridealong_app;
GRANT SELECT, INSERT ON ridealong.claim_evidence, ridealong.outline_stage, ridealong.earlier_artifact TO ridealong_app;
GRANT SELECT ON ridealong.evidence TO ridealong_app;
GRANT SELECT, INSERT, UPDATE ON ridealong.speaker_correction, ridealong.moment_feedback, ridealong.comment, ridealong.share
    TO ridealong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.claim_vote, ridealong.playlist TO ridealong_app;
GRANT SELECT, INSERT ON ridealong.call_mark, ridealong.nudge_sighting TO ridealong_app;
GRANT SELECT, INSERT, UPDATE ON ridealong.nudge_effect TO ridealong_app;
GRANT SELECT, INSERT, DELETE ON ridealong.playlist_item TO ridealong_app;
GRANT SELECT, INSERT ON ridealong.call_taxonomy, ridealong.shadow_moment TO ridealong_app;
GRANT SELECT, INSERT, UPDATE ON ridealong.taxonomy_version, ridealong.utterance_view TO ridealong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.moment_label, ridealong.example_view TO ridealong_app;
GRANT SELECT, INSERT, UPDATE (active) ON ridealong.confidence_model TO ridealong_app;

GRANT SELECT ON ridealong.tenant, ridealong.member, ridealong.session, ridealong.invite, ridealong.call, ridealong.token,
    ridealong.transcript, ridealong.utterance, ridealong.moment, ridealong.review, ridealong.claim, ridealong.share
    TO ridealong_lookup;

---------------------------------------------------------------------------------------------------- looking across tenants

CREATE FUNCTION ridealong.resolve_token(hash bytea)
    RETURNS TABLE (tenant_id uuid, scopes text[], call_id uuid, owner_id uuid, owner_name text, owner_role text, owner_rep_id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT t.tenant_id, t.scopes, t.call_id, m.member_id, m.name, m.role, m.rep_id FROM ridealong.token t
    LEFT JOIN ridealong.member m ON t.own AND m.tenant_id = t.tenant_id AND m.member_id = t.author_id
    WHERE t.token_hash = hash AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
        AND m.disabled_at IS NULL;
$lookup$;

CREATE FUNCTION ridealong.resolve_share(hash bytea)
    RETURNS TABLE (tenant_id uuid, call_id uuid, scope text, audio boolean, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT s.tenant_id, s.call_id, s.scope, s.audio, s.expires_at FROM ridealong.share s
    WHERE s.token_hash = hash AND s.revoked_at IS NULL AND s.expires_at > now();
$lookup$;

CREATE FUNCTION ridealong.tenant_of_slug(wanted text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT t.tenant_id FROM ridealong.tenant t WHERE t.slug = wanted;
$lookup$;

CREATE FUNCTION ridealong.live_calls() RETURNS TABLE (tenant_id uuid, call_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT c.tenant_id, c.call_id FROM ridealong.call c WHERE c.status = 'live' ORDER BY c.started_at;
$lookup$;

CREATE FUNCTION ridealong.unfinished_reviews()
    RETURNS TABLE (tenant_id uuid, review_id uuid, call_id uuid, revision integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT r.tenant_id, r.review_id, r.call_id, r.revision FROM ridealong.review r
    WHERE r.status IN ('queued', 'running') ORDER BY r.queued_at;
$lookup$;

CREATE FUNCTION ridealong.member_of_email(wanted text) RETURNS TABLE (tenant_id uuid, member_id uuid, password_hash text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT m.tenant_id, m.member_id, m.password_hash FROM ridealong.member m
    WHERE m.email = wanted AND m.disabled_at IS NULL;
$lookup$;

CREATE FUNCTION ridealong.any_member() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT EXISTS (SELECT FROM ridealong.member);
$lookup$;

CREATE FUNCTION ridealong.resolve_session(hash bytea)
    RETURNS TABLE (tenant_id uuid, session_id uuid, expires_at timestamptz, member_id uuid, email text, name text, role text,
        rep_id text, member_since timestamptz, slug text, organisation text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT s.tenant_id, s.session_id, s.expires_at, m.member_id, m.email, m.name, m.role, m.rep_id, m.created_at, t.slug, t.name
    FROM ridealong.session s JOIN ridealong.member m USING (tenant_id, member_id) JOIN ridealong.tenant t USING (tenant_id)
    WHERE s.token_hash = hash AND s.expires_at > now() AND m.disabled_at IS NULL;
$lookup$;

CREATE FUNCTION ridealong.resolve_invite(hash bytea) RETURNS TABLE (tenant_id uuid, member_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT i.tenant_id, i.member_id FROM ridealong.invite i JOIN ridealong.member m USING (tenant_id, member_id)
    WHERE i.token_hash = hash AND i.expires_at > now() AND m.disabled_at IS NULL;
$lookup$;

CREATE FUNCTION ridealong.retentions() RETURNS TABLE (tenant_id uuid, retention_days integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT s.tenant_id, s.retention_days FROM ridealong.tenant_setting s WHERE s.retention_days IS NOT NULL;
$lookup$;

-- Of each webhook that is not `busy` what waits longest, so that an address that answers slowly keeps no other waiting.
-- The thousand that wait longest are looked through: a webhook with more than that is busy the next time.
CREATE FUNCTION ridealong.due_deliveries(busy uuid[], wanted integer)
    RETURNS TABLE (tenant_id uuid, webhook_id uuid, delivery_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT f.tenant_id, f.webhook_id, f.delivery_id FROM (
        SELECT DISTINCT ON (d.webhook_id) d.tenant_id, d.webhook_id, d.delivery_id, d.due_at FROM (
            SELECT w.tenant_id, w.webhook_id, w.delivery_id, w.due_at FROM ridealong.webhook_delivery w
            WHERE w.due_at <= now() AND w.webhook_id <> ALL (busy) ORDER BY w.due_at LIMIT 1000) d
        ORDER BY d.webhook_id, d.due_at, d.delivery_id) f
    ORDER BY f.due_at, f.delivery_id LIMIT wanted;
$lookup$;

REVOKE ALL ON FUNCTION ridealong.retentions, ridealong.due_deliveries, ridealong.recipients_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.retentions, ridealong.due_deliveries, ridealong.recipients_of TO ridealong_app;

-- The ranked list of search: by meaning and by words, joined by reciprocal rank fusion (Cormack, Clarke and Büttcher,
-- SIGIR 2009, with their k = 60). It stands here and not in the application because under a row filter PostgreSQL uses no
-- index for `@@`. It filters by the tenant itself and returns numbers only; the application fetches the words under
-- its own row filter.
CREATE FUNCTION ridealong.search(query text, meaning public.vector, kinds text[], in_call uuid, wanted integer)
    RETURNS TABLE (kind text, id uuid, call_id uuid, revision integer, utterance_no integer, score double precision)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET hnsw.iterative_scan = 'relaxed_order' SET hnsw.ef_search = 100 SET hnsw.max_scan_tuples = 20000 AS $lookup$
DECLARE
    here text := CASE WHEN in_call IS NULL THEN '' ELSE ' AND t.call_id = $4' END
        || CASE WHEN ridealong.current_rep() IS NULL THEN '' ELSE
            ' AND EXISTS (SELECT FROM ridealong.call c WHERE c.tenant_id = $1 AND c.call_id = t.call_id AND c.rep_id = $7)' END;
    near text[];
    worded text[];
    source text;
    words tsquery;
BEGIN
    BEGIN
        words := websearch_to_tsquery('english'::regconfig, query);
    EXCEPTION WHEN internal_error OR program_limit_exceeded THEN
        -- It gives up on hundreds of signs in a row ("- - - ..."); their words, if any, are taken plainly.
        words := plainto_tsquery('english'::regconfig, query);
    END;
    -- Dynamic, so that each plan knows its tenant: a small tenant is compared row by row, a big one by its index.
    FOREACH source IN ARRAY ARRAY['utterance', 'moment', 'claim'] LOOP
        CONTINUE WHEN NOT CASE source WHEN 'claim' THEN kinds && ARRAY['finding', 'coaching_moment'] ELSE source = ANY (kinds) END;
        near := near || format(
            '(SELECT %1$s AS kind, %2$s AS id, t.call_id, t.revision, t.utterance_no, t.embedding OPERATOR(public.<#>) $2 AS distance
              FROM ridealong.%3$I t WHERE t.tenant_id = $1 AND t.embedding IS NOT NULL%4$s%5$s
              ORDER BY t.embedding OPERATOR(public.<#>) $2 LIMIT $5)',
            CASE source WHEN 'claim' THEN 't.kind' ELSE quote_literal(source) END,
            CASE source WHEN 'utterance' THEN 'NULL::uuid' ELSE 't.' || source || '_id' END,
            source, here, CASE source WHEN 'claim' THEN ' AND t.kind = ANY ($6)' ELSE '' END);
        -- A word that thousands of rows hold says little: of those, the first 2000 found are ranked, not all.
        worded := worded || format(
            '(SELECT %1$s AS kind, %2$s AS id, t.call_id, t.revision, t.utterance_no, ts_rank(t.terms, $3) AS rank
              FROM (SELECT * FROM ridealong.%3$I t WHERE t.tenant_id = $1 AND t.terms @@ $3%4$s%5$s LIMIT 2000) t
              ORDER BY rank DESC LIMIT $5)',
            CASE source WHEN 'claim' THEN 't.kind' ELSE quote_literal(source) END,
            CASE source WHEN 'utterance' THEN 'NULL::uuid' ELSE 't.' || source || '_id' END,
            source, here, CASE source WHEN 'claim' THEN ' AND t.kind = ANY ($6)' ELSE '' END);
    END LOOP;
    IF near IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(
        'WITH near AS (%s), worded AS (%s), ranked AS (
            SELECT n.kind, n.id, n.call_id, n.revision, n.utterance_no,
                   row_number() OVER (ORDER BY n.distance, n.call_id, n.utterance_no, n.kind) AS place FROM near n
            UNION ALL
            SELECT w.kind, w.id, w.call_id, w.revision, w.utterance_no,
                   row_number() OVER (ORDER BY w.rank DESC, w.call_id, w.utterance_no, w.kind) FROM worded w)
         SELECT r.kind, r.id, r.call_id, r.revision, r.utterance_no, sum(1.0 / (60 + r.place))::double precision AS score
         FROM ranked r
         WHERE r.kind = ''moment'' OR NOT EXISTS (SELECT FROM ridealong.transcript newer WHERE newer.tenant_id = $1
                           AND newer.call_id = r.call_id AND newer.revision > r.revision)
         GROUP BY 1, 2, 3, 4, 5 ORDER BY score DESC, r.call_id, r.utterance_no, r.kind LIMIT $5',
        array_to_string(near, ' UNION ALL '), array_to_string(worded, ' UNION ALL '))
    USING ridealong.current_tenant(), meaning, words, in_call, wanted, kinds, ridealong.current_rep();
END;
$lookup$;

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

---------------------------------------------------------------------------------------------------- CRM, calendars, mail

-- A tenant's CRM: one. The secret (a token, or the secret of an OAuth client) is sealed by the application, bound to tenant,
-- vendor and address. `mapping` is the tenant's YAML document.
CREATE TABLE ridealong.crm_account (
    tenant_id uuid PRIMARY KEY,
    vendor text NOT NULL,
    url text NOT NULL,
    -- Of Salesforce's client credentials; empty where the secret is a token.
    client_id text NOT NULL DEFAULT '',
    sealed_secret bytea NOT NULL,
    secret_set_at timestamptz NOT NULL DEFAULT now(),
    write_back boolean NOT NULL DEFAULT true,
    mapping text NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT crm_account_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT crm_account_vendor_is_known CHECK (vendor IN ('hubspot', 'salesforce')),
    CONSTRAINT crm_account_has_an_address CHECK (url ~ '^https?://'),
    CONSTRAINT crm_account_secret_is_sealed CHECK (octet_length(sealed_secret) > 33)
);

-- What a call is in the CRM, and what is still to be written of it. One row a call, so that two writers of one call wait for
-- each other, and a note is made once. Goes with its call, so that erasing a call needs to know nothing about it.
CREATE TABLE ridealong.crm_call (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    vendor text NOT NULL,
    deal_id text NOT NULL DEFAULT '',
    -- A person's word stays; what was found may be found anew.
    deal_by_person boolean NOT NULL DEFAULT false,
    note_id text NOT NULL DEFAULT '',
    -- SHA-256 of the note as it was written last: an equal one is not written again.
    note_digest bytea,
    status text NOT NULL DEFAULT 'linked',
    -- Grows with each wish to write: what is wished for while a writing is under way is not lost.
    wishes integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT 'infinity',
    settled_at timestamptz,
    PRIMARY KEY (tenant_id, call_id),
    CONSTRAINT crm_call_is_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call ON DELETE CASCADE,
    CONSTRAINT crm_call_vendor_is_known CHECK (vendor IN ('hubspot', 'salesforce')),
    CONSTRAINT crm_call_status_is_known CHECK (status IN ('linked', 'waiting', 'written', 'partly', 'dead')),
    CONSTRAINT crm_call_that_waits_is_due CHECK ((status = 'waiting') = (due_at <> 'infinity')),
    CONSTRAINT crm_call_note_digest_is_sha256 CHECK (octet_length(note_digest) = 32)
);

CREATE INDEX crm_call_that_is_due ON ridealong.crm_call (due_at) WHERE status = 'waiting';
CREATE INDEX crm_call_of_a_deal ON ridealong.crm_call (tenant_id, vendor, deal_id) WHERE deal_id <> '';

-- Each attempt to write, for who looks why something did not arrive. `reason` and `properties` are our words and the names
-- of the CRM's properties; what the CRM answered is not kept, and nothing that was said.
CREATE TABLE ridealong.crm_attempt (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    attempt_id uuid NOT NULL DEFAULT gen_random_uuid(),
    tried_at timestamptz NOT NULL DEFAULT now(),
    outcome text NOT NULL,
    reason text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT 'untouched',
    written text[] NOT NULL DEFAULT '{}',
    -- Somebody wrote into these by hand, and their words stayed.
    kept text[] NOT NULL DEFAULT '{}',
    -- These could not be written: the CRM lacks them, or they hold no text.
    missing text[] NOT NULL DEFAULT '{}',
    answer integer,
    duration_ms integer NOT NULL,
    PRIMARY KEY (tenant_id, attempt_id),
    CONSTRAINT crm_attempt_is_of_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.crm_call ON DELETE CASCADE,
    CONSTRAINT crm_attempt_outcome_is_known CHECK (outcome IN ('written', 'unchanged', 'partly', 'failed')),
    CONSTRAINT crm_attempt_note_is_known CHECK (note IN ('untouched', 'made', 'rewritten')),
    CONSTRAINT crm_attempt_that_failed_says_why CHECK (outcome <> 'failed' OR reason <> ''),
    CONSTRAINT crm_attempt_takes_time CHECK (duration_ms >= 0)
);

CREATE INDEX crm_attempt_of_a_call ON ridealong.crm_attempt (tenant_id, call_id, tried_at);

-- What we wrote last into a property of a deal, as SHA-256 of its words: what differs now was written by somebody else.
CREATE TABLE ridealong.crm_value (
    tenant_id uuid NOT NULL,
    vendor text NOT NULL,
    deal_id text NOT NULL,
    property text NOT NULL,
    digest bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, vendor, deal_id, property),
    CONSTRAINT crm_value_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT crm_value_digest_is_sha256 CHECK (octet_length(digest) = 32)
);

-- Who said a value of a call's context. A value without a row was said by whoever began the call. A person's word is kept
-- where it says that there is nothing to say. Goes with its call.
CREATE TABLE ridealong.call_context_source (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    part text NOT NULL,
    source text NOT NULL,
    detail text NOT NULL DEFAULT '',
    stated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, call_id, part),
    CONSTRAINT call_context_source_is_of_a_call FOREIGN KEY (tenant_id, call_id) REFERENCES ridealong.call ON DELETE CASCADE,
    CONSTRAINT call_context_source_part_is_known CHECK (part IN ('customer', 'deal', 'call_type', 'stage')),
    CONSTRAINT call_context_source_is_known CHECK (source IN ('person', 'crm', 'calendar')),
    CONSTRAINT call_context_source_detail_is_short CHECK (char_length(detail) <= 500)
);

-- How meetings are read. `call_types`: pairs of a type and the words of a title that mean it, the first that fits first.
CREATE TABLE ridealong.calendar_setting (
    tenant_id uuid PRIMARY KEY,
    own_domains text[] NOT NULL DEFAULT '{}',
    call_types jsonb NOT NULL DEFAULT '[]',
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT calendar_setting_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE
);

-- A calendar that is read by its address. Whoever knows such an address reads the calendar: it is sealed.
CREATE TABLE ridealong.calendar_feed (
    tenant_id uuid NOT NULL,
    feed_id uuid NOT NULL,
    label text NOT NULL,
    -- Whose calendar it is; empty: of several reps, told apart by the addresses of those who take part.
    rep_id text NOT NULL DEFAULT '',
    host text NOT NULL,
    sealed_url bytea NOT NULL,
    last_at timestamptz,
    -- Why it could not be read last; empty when it could.
    last_fault text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, feed_id),
    CONSTRAINT calendar_feed_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT calendar_feed_address_is_sealed CHECK (octet_length(sealed_url) > 33)
);

-- An invitation that was sent to us (RFC 5546), by its id: a newer one takes its place, a cancellation takes it out.
CREATE TABLE ridealong.calendar_invitation (
    tenant_id uuid NOT NULL,
    uid text NOT NULL,
    sequence integer NOT NULL,
    body text NOT NULL,
    starts_at timestamptz NOT NULL,
    -- NULL: repeated without an end.
    ends_at timestamptz,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, uid),
    CONSTRAINT calendar_invitation_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE
);

CREATE INDEX calendar_invitation_by_time ON ridealong.calendar_invitation (tenant_id, starts_at);

-- A tenant's own mail server, in place of the operator's.
CREATE TABLE ridealong.mail_account (
    tenant_id uuid PRIMARY KEY,
    host text NOT NULL,
    port integer NOT NULL,
    security text NOT NULL,
    user_name text NOT NULL DEFAULT '',
    sealed_password bytea,
    sender text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mail_account_belongs_to_a_tenant FOREIGN KEY (tenant_id) REFERENCES ridealong.tenant ON DELETE CASCADE,
    CONSTRAINT mail_account_port_is_one CHECK (port BETWEEN 1 AND 65535),
    CONSTRAINT mail_account_security_is_known CHECK (security IN ('starttls', 'tls', 'none')),
    CONSTRAINT mail_account_password_is_sealed CHECK (octet_length(sealed_password) > 33),
    CONSTRAINT mail_account_password_is_not_sent_readable CHECK (security <> 'none' OR sealed_password IS NULL)
);

-- A review that is done is written to the tenant's CRM: the wish stands in the transaction of the review.
CREATE FUNCTION ridealong.wish_for_crm() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $wish$
BEGIN
    INSERT INTO ridealong.crm_call (tenant_id, call_id, vendor, status, wishes, due_at)
    SELECT a.tenant_id, NEW.call_id, a.vendor, 'waiting', 1, now() FROM ridealong.crm_account a
    WHERE a.tenant_id = NEW.tenant_id AND a.write_back
    ON CONFLICT (tenant_id, call_id) DO UPDATE SET status = 'waiting', due_at = now(), settled_at = NULL,
        wishes = crm_call.wishes + 1, attempts = 0;
    RETURN NULL;
END;
$wish$;

CREATE TRIGGER review_that_is_done_is_written_to_the_crm AFTER UPDATE OF status ON ridealong.review FOR EACH ROW
    WHEN (OLD.status <> 'finished' AND NEW.status = 'finished') EXECUTE FUNCTION ridealong.wish_for_crm();

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['crm_account', 'crm_call', 'crm_attempt', 'crm_value', 'call_context_source', 'calendar_setting',
        'calendar_feed', 'calendar_invitation', 'mail_account']
    LOOP
        EXECUTE format('ALTER TABLE ridealong.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ridealong.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_current_tenant ON ridealong.%I '
            'USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant())', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.%I TO ridealong_app', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['crm_call', 'crm_attempt', 'call_context_source']
    LOOP
        EXECUTE format('CREATE POLICY own_calls_only ON ridealong.%1$I AS RESTRICTIVE TO ridealong_app '
            'USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c '
            'WHERE c.tenant_id = %1$I.tenant_id AND c.call_id = %1$I.call_id))', name);
    END LOOP;
    CREATE POLICY what_the_lookups_need ON ridealong.crm_call FOR SELECT TO ridealong_lookup USING (true);
    GRANT SELECT ON ridealong.crm_call TO ridealong_lookup;
END;
$policies$;

-- As for all tables: the planner's samples would keep values after their call was erased.
DO $samples$
DECLARE
    name record;
BEGIN
    FOR name IN
        SELECT a.attrelid::regclass AS relation, a.attname FROM pg_attribute a
        WHERE a.attrelid = ANY (ARRAY['ridealong.crm_account', 'ridealong.crm_call', 'ridealong.crm_attempt',
            'ridealong.crm_value', 'ridealong.call_context_source', 'ridealong.calendar_setting', 'ridealong.calendar_feed',
            'ridealong.calendar_invitation', 'ridealong.mail_account']::regclass[])
        AND a.attnum > 0 AND NOT a.attisdropped
        AND a.atttypid IN ('text'::regtype, 'text[]'::regtype, 'bytea'::regtype, 'jsonb'::regtype)
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 0', name.relation, name.attname);
    END LOOP;
END;
$samples$;

CREATE FUNCTION ridealong.due_crm_calls(wanted integer) RETURNS TABLE (tenant_id uuid, call_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT c.tenant_id, c.call_id FROM ridealong.crm_call c WHERE c.status = 'waiting' AND c.due_at <= now()
    ORDER BY c.due_at LIMIT wanted;
$lookup$;

REVOKE ALL ON FUNCTION ridealong.due_crm_calls FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.due_crm_calls TO ridealong_app;

---------------------------------------------------------------------------------------------------- erasing

-- Everything of one call of the current tenant, and everything that cites it. Returns how many rows of each table.
CREATE FUNCTION ridealong.erase_call(erased uuid) RETURNS jsonb
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

REVOKE ALL ON FUNCTION ridealong.resolve_token, ridealong.resolve_share, ridealong.tenant_of_slug, ridealong.live_calls,
    ridealong.unfinished_reviews, ridealong.search, ridealong.erase_call FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.resolve_token, ridealong.resolve_share, ridealong.tenant_of_slug, ridealong.live_calls,
    ridealong.unfinished_reviews, ridealong.search, ridealong.erase_call TO ridealong_app;

REVOKE ALL ON FUNCTION ridealong.member_of_email, ridealong.any_member, ridealong.resolve_session,
    ridealong.resolve_invite FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.member_of_email, ridealong.any_member, ridealong.resolve_session,
    ridealong.resolve_invite TO ridealong_app;

-- The new owner of a function needs CREATE on its schema, at that moment only.
GRANT CREATE ON SCHEMA ridealong TO ridealong_lookup;
ALTER FUNCTION ridealong.resolve_token OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.resolve_share OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.tenant_of_slug OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.live_calls OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.unfinished_reviews OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.member_of_email OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.any_member OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.resolve_session OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.resolve_invite OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.retentions OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.due_deliveries OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.due_crm_calls OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.search OWNER TO ridealong_lookup;
ALTER FUNCTION ridealong.search_calls OWNER TO ridealong_lookup;
REVOKE CREATE ON SCHEMA ridealong FROM ridealong_lookup;
