-- What people say about calls: corrected speakers, votes, feedback, marks, comments, shares, playlists; and who wrote which
-- document.

ALTER TABLE ridealong.document ADD COLUMN author_id uuid, ADD COLUMN author_name text,
    ADD CONSTRAINT document_is_by_a_member FOREIGN KEY (tenant_id, author_id) REFERENCES ridealong.member;

-- Who was what when the review was made: where somebody corrected it since, the review is outdated.
ALTER TABLE ridealong.review ADD COLUMN roles jsonb;

DROP INDEX ridealong.call_by_start, ridealong.call_of_a_rep;
CREATE INDEX call_by_start ON ridealong.call (tenant_id, started_at DESC, call_id DESC);
CREATE INDEX call_of_a_rep ON ridealong.call (tenant_id, rep_id, started_at DESC, call_id DESC);
CREATE INDEX moment_by_type ON ridealong.moment (tenant_id, type, call_id);

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

-- As for all tables: the planner's samples would keep words of a call after it was erased.
ALTER TABLE ridealong.speaker_correction
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ridealong.claim_vote
    ALTER COLUMN verdict SET STATISTICS 0,
    ALTER COLUMN note SET STATISTICS 0,
    ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ridealong.moment_feedback
    ALTER COLUMN verdict SET STATISTICS 0,
    ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ridealong.call_mark
    ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ridealong.comment
    ALTER COLUMN text SET STATISTICS 0,
    ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ridealong.share
    ALTER COLUMN scope SET STATISTICS 0,
    ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ridealong.playlist
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ridealong.playlist_item
    ALTER COLUMN note SET STATISTICS 0,
    ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ridealong.document ALTER COLUMN author_name SET STATISTICS 0;
ALTER TABLE ridealong.review ALTER COLUMN roles SET STATISTICS 0;

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['speaker_correction', 'claim_vote', 'moment_feedback', 'call_mark', 'comment', 'share', 'playlist',
        'playlist_item']
    LOOP
        EXECUTE format('ALTER TABLE ridealong.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ridealong.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_current_tenant ON ridealong.%I '
            'USING (tenant_id = ridealong.current_tenant()) WITH CHECK (tenant_id = ridealong.current_tenant())', name);
    END LOOP;
END;
$policies$;
DO $own_calls$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['speaker_correction', 'claim_vote', 'moment_feedback', 'call_mark', 'comment', 'share',
        'playlist_item']
    LOOP
        EXECUTE format('CREATE POLICY own_calls_only ON ridealong.%1$I AS RESTRICTIVE TO ridealong_app '
            'USING ((SELECT ridealong.current_rep()) IS NULL OR EXISTS (SELECT FROM ridealong.call c '
            'WHERE c.tenant_id = %1$I.tenant_id AND c.call_id = %1$I.call_id))', name);
    END LOOP;
END;
$own_calls$;
CREATE POLICY what_the_lookups_need ON ridealong.share FOR SELECT TO ridealong_lookup USING (true);

GRANT SELECT, INSERT, UPDATE ON ridealong.speaker_correction, ridealong.moment_feedback, ridealong.comment, ridealong.share
    TO ridealong_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ridealong.claim_vote, ridealong.playlist TO ridealong_app;
GRANT SELECT, INSERT ON ridealong.call_mark TO ridealong_app;
GRANT SELECT, INSERT, DELETE ON ridealong.playlist_item TO ridealong_app;
GRANT SELECT ON ridealong.share TO ridealong_lookup;

CREATE FUNCTION ridealong.resolve_share(hash bytea)
    RETURNS TABLE (tenant_id uuid, call_id uuid, scope text, audio boolean, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $lookup$
    SELECT s.tenant_id, s.call_id, s.scope, s.audio, s.expires_at FROM ridealong.share s
    WHERE s.token_hash = hash AND s.revoked_at IS NULL AND s.expires_at > now();
$lookup$;

-- Everything of one call of the current tenant, and everything that cites it. Returns how many rows of each table.
CREATE OR REPLACE FUNCTION ridealong.erase_call(erased uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $erase$
DECLARE
    tenant uuid := ridealong.current_tenant();
    counts jsonb := '{}';
    found bigint;
    name text;
BEGIN
    PERFORM set_config('ridealong.erasing', erased::text, true);
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
        'speaker_correction', 'review', 'moment_anchor', 'moment_evidence', 'moment', 'speaker_role', 'utterance', 'transcript', 'gap',
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

REVOKE ALL ON FUNCTION ridealong.resolve_share FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ridealong.resolve_share TO ridealong_app;

-- The new owner of a function needs CREATE on its schema, at that moment only.
GRANT CREATE ON SCHEMA ridealong TO ridealong_lookup;
ALTER FUNCTION ridealong.resolve_share OWNER TO ridealong_lookup;
REVOKE CREATE ON SCHEMA ridealong FROM ridealong_lookup;
