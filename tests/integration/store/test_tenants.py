from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest
from psycopg import errors

from ridealong.core.author import Author
from ridealong.core.claims import Claim
from ridealong.core.effects import Effect
from ridealong.core.errors import InvalidSettings, Refused
from ridealong.core.events import NudgeSighted
from ridealong.core.moments import Decision, Detection, Reason, Sight, Tier, Verdict
from ridealong.core.outline import Stage, StepKind, StepResult
from ridealong.core.people import MemberRole
from ridealong.core.transcript import Citation, Transcript
from ridealong.core.usage import DayTokens
from ridealong.store import Store
from ridealong.store.calls import latest_revision, load_call
from ridealong.store.comments import write_comment
from ridealong.store.confidence_models import keep_confidence
from ridealong.store.earlier import keep_artifact
from ridealong.store.effects import record_sighting, save_effects
from ridealong.store.embedded import SUPERUSER, EmbeddedPostgres
from ridealong.store.erase import erase_call, erase_voiceprint
from ridealong.store.labels import Said, keep_example_views, keep_utterance_views, put_label
from ridealong.store.members import add_member, make_invite, open_session
from ridealong.store.model_choices import put_account, put_models
from ridealong.store.opinions import Opinion, give_feedback, mark, vote
from ridealong.store.outline import save_outline, save_result
from ridealong.store.playlists import add_item, make_playlist
from ridealong.store.review_questions import save_steps
from ridealong.store.reviews import (
    finish_review,
    load_review,
    mark_running,
    requeue_review,
    save_section,
)
from ridealong.store.sealing import Sealing
from ridealong.store.shares import ShareScope, make_share
from ridealong.store.speakers import correct_speaker
from ridealong.store.taxonomy_versions import (
    ShadowMoment,
    begin_training,
    finish_training,
    keep_heads_of_call,
    record_shadow_moments,
)
from ridealong.store.tenant_settings import ConsentWording, TenantSettings, put_consents, put_settings
from ridealong.store.tenants import (
    DocumentKind,
    Scope,
    active_document,
    create_tenant,
    enrol_voice,
    find_tenant,
    issue_token,
    list_documents,
    list_tenants,
    list_tokens,
    load_voiceprints,
    put_document,
    resolve_token,
    revoke_token,
    withdraw_document,
)
from ridealong.store.token_counts import StoredBudget, put_budget, put_count
from tests.integration.store.conversation import STEP, Recorded, record_call, section, vectors

TABLES = (
    "crm_account",
    "crm_call",
    "crm_attempt",
    "crm_value",
    "call_context_source",
    "calendar_setting",
    "calendar_feed",
    "calendar_invitation",
    "mail_account",
    *("tenant", "rep", "voiceprint", "document", "call", "token", "gap", "transcript", "speaker_role", "utterance"),
    *("moment", "moment_evidence", "moment_anchor", "review", "review_section", "review_step"),
    *("claim", "claim_evidence", "confidence_model", "outline_stage", "earlier_artifact", "review_step_result"),
    *("model_choice", "vendor_account", "token_budget", "token_count"),
    *("member", "session", "invite"),
    *("tenant_setting", "consent_wording", "webhook", "webhook_delivery", "webhook_attempt"),
    *("audience_template", "event", "event_count"),
    *("speaker_correction", "claim_vote", "moment_feedback", "call_mark", "comment", "share"),
    *("playlist", "playlist_item"),
    *("taxonomy_version", "call_taxonomy", "shadow_moment", "moment_label", "utterance_view", "example_view"),
    *("nudge_sighting", "nudge_effect"),
)


@pytest.fixture
def app(postgres: EmbeddedPostgres, database: str, store: Store) -> psycopg.Connection:
    """A session of the application's role, as an attacker with SQL in hand would have it."""
    url = postgres.url(user="ridealong_app", database=database)
    return psycopg.connect(url, autocommit=True, options="-c search_path=ridealong,public")


def become(connection: psycopg.Connection, tenant_id: UUID | str) -> None:
    connection.execute("SELECT set_config('ridealong.tenant', %s, false)", [str(tenant_id)])


def rows_of(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM ridealong.{table}").fetchone()  # pyright: ignore
    assert row is not None
    return row[0]


async def full(store: Store, slug: str) -> UUID:
    call = await record_call(store, slug=slug)
    await issue_token(store, call.tenant_id, [Scope.READ], call_id=call.call_id)
    async with store.tenant(call.tenant_id) as connection:
        await enrol_voice(connection, "rep-7", [0.5] * 512)
        await put_document(connection, DocumentKind.RUBRIC, "bant", "id: bant")
        member = await add_member(connection, email=f"a@{slug}.example", name="A", role=MemberRole.REP)
        await open_session(connection, member.member_id)
        await make_invite(connection, member.member_id)
        await put_models(connection, live_model="none", review_models=(), verify_model=None)
        sealing = Sealing("a secret of the operator, long enough")
        await put_account(connection, sealing, call.tenant_id, vendor="groq", url="", key="gsk_0123456789")
        await put_budget(connection, StoredBudget(total=5_000))
        await put_count(connection, date(2026, 11, 26), uuid4(), DayTokens(total=70, live=50))
        await connection.execute(
            "INSERT INTO gap (tenant_id, call_id, at_ts, duration_ms, reason) VALUES (current_tenant(), %s, 1, 1, 'x')",
            [call.call_id],
        )
        await put_settings(connection, TenantSettings(retention_days=30))
        await put_consents(connection, [ConsentWording(region="Everywhere", text="May I?")])
        await connection.execute(
            "INSERT INTO webhook (tenant_id, webhook_id, url, events, sealed_secret)"
            " VALUES (current_tenant(), gen_random_uuid(), 'https://x.example', ARRAY['call.ended'], %s)",
            [b"x" * 40],
        )
        for statement in (
            "INSERT INTO webhook_delivery (tenant_id, webhook_id, event, call_id, event_id)"
            " SELECT w.tenant_id, w.webhook_id, 'call.ended', e.call_id, e.event_id FROM webhook w, event e"
            " WHERE e.call_id = %s AND e.type = 'call.ended'",
            "INSERT INTO webhook_attempt (tenant_id, delivery_id, attempt, outcome, duration_ms)"
            " SELECT tenant_id, delivery_id, 1, 'not reached', 1 FROM webhook_delivery WHERE call_id = %s",
            "INSERT INTO event_count (tenant_id) SELECT tenant_id FROM call WHERE call_id = %s",
            "INSERT INTO audience_template (tenant_id, audience, form, template)"
            " SELECT tenant_id, 'customer', 'html', 'manager' FROM call WHERE call_id = %s",
            "INSERT INTO transcript (tenant_id, call_id, revision) VALUES (current_tenant(), %s, 2)",
            "INSERT INTO utterance (tenant_id, call_id, revision, utterance_no, speaker_id, start_ts, end_ts, text)"
            " SELECT tenant_id, call_id, 2, utterance_no, speaker_id, start_ts, end_ts, text FROM utterance"
            " WHERE call_id = %s AND revision = 1",
            "INSERT INTO moment_anchor (tenant_id, moment_id, revision, position, call_id, utterance_no, speaker_id,"
            " start_ts, end_ts, text_length, quote_start, quote_end) SELECT tenant_id, moment_id, 2, 0, call_id,"
            " utterance_no, speaker_id, start_ts, end_ts, text_length, quote_start, quote_end FROM moment"
            " WHERE call_id = %s LIMIT 1",
            "INSERT INTO crm_account (tenant_id, vendor, url, sealed_secret) SELECT tenant_id, 'hubspot',"
            " 'https://crm.example', decode(repeat('00', 40), 'hex') FROM call WHERE call_id = %s",
            "INSERT INTO crm_call (tenant_id, call_id, vendor) SELECT tenant_id, call_id, 'hubspot' FROM call"
            " WHERE call_id = %s",
            "INSERT INTO crm_attempt (tenant_id, call_id, outcome, duration_ms) SELECT tenant_id, call_id, 'written', 1"
            " FROM call WHERE call_id = %s",
            "INSERT INTO crm_value (tenant_id, vendor, deal_id, property, digest) SELECT tenant_id, 'hubspot', '7',"
            " 'next_step', decode(repeat('00', 32), 'hex') FROM call WHERE call_id = %s",
            "INSERT INTO call_context_source (tenant_id, call_id, part, source) SELECT tenant_id, call_id, 'stage',"
            " 'crm' FROM call WHERE call_id = %s",
            "INSERT INTO calendar_setting (tenant_id) SELECT tenant_id FROM call WHERE call_id = %s",
            "INSERT INTO calendar_feed (tenant_id, feed_id, label, host, sealed_url) SELECT tenant_id,"
            " gen_random_uuid(), 'Team', 'calendar.example', decode(repeat('00', 40), 'hex') FROM call"
            " WHERE call_id = %s",
            "INSERT INTO calendar_invitation (tenant_id, uid, sequence, body, starts_at) SELECT tenant_id, 'u', 0, 'x',"
            " now() FROM call WHERE call_id = %s",
            "INSERT INTO mail_account (tenant_id, host, port, security, sender) SELECT tenant_id, 'mail.example', 587,"
            " 'starttls', 'a@mail.example' FROM call WHERE call_id = %s",
        ):
            await connection.execute(statement, [call.call_id])  # pyright: ignore
        await reviewed_again(connection, call)
        await keep_confidence(
            connection, {"intercept": 0.1}, agreed=30, disagreed=10, error_before=0.2, error_after=0.1
        )
        await talked_about(connection, call.call_id)
        await taught(connection, call.transcript)
    return call.tenant_id


async def reviewed_again(connection: psycopg.AsyncConnection, call: Recorded) -> None:
    """Another review in place of the first, which is kept, with what stands behind the sections."""
    review_id, transcript = call.review_id, call.transcript
    await keep_artifact(connection, await load_review(connection, review_id))
    await requeue_review(connection, review_id)
    await mark_running(
        connection, review_id, reviewer="local", rubric_id="bant", rubric_title="BANT", rubric="id: bant"
    )
    await save_section(connection, review_id, section(transcript), vectors=vectors(2, seed=2))
    summary = Claim(
        statement="The customer told what it costs.",
        confidence=0.5,
        evidence=(transcript.cite(Citation(utterance_no=1, quote="two hours every morning")),),
    )
    await save_outline(connection, review_id, [Stage.of(transcript, "discovery", 0, 3, summary)])
    await save_steps(connection, review_id, "section need", [STEP])
    await save_result(
        connection, review_id, StepResult(step="outline", kind=StepKind.LOCAL, by="local", seconds=0.1, made=1)
    )
    await finish_review(connection, review_id, score=62.5, assessed=True)


async def talked_about(connection: psycopg.AsyncConnection, call_id: UUID) -> None:
    """One of everything that people say about a call."""
    author = Author(member_id=None, name="A")
    found = await connection.execute(
        "SELECT c.claim_id, m.moment_id FROM claim c JOIN moment m USING (tenant_id, call_id) WHERE c.call_id = %s",
        [call_id],
    )
    row = await found.fetchone()
    assert row is not None
    transcript = await latest_revision(connection, call_id)
    await correct_speaker(connection, transcript, 0, author, role=None, name="Kim")
    await vote(connection, call_id, row[0], author, verdict=Opinion.AGREE, note="so it was")
    await give_feedback(connection, call_id, row[1], author, Verdict.HELPFUL)
    await record_sighting(connection, call_id, NudgeSighted(moment_id=row[1], sight=Sight.SEEN, at_ts=100))
    await save_effects(connection, call_id, [Effect(moment_id=row[1], acted_on=False, confidence=0.9, evidence=None)])
    await mark(connection, call_id, 100, author)
    first = await write_comment(connection, call_id, author, at_ts=100, text="listen", reply_to=None)
    await write_comment(connection, call_id, author, at_ts=100, text="I did", reply_to=first.comment_id)
    await make_share(connection, call_id, author, scope=ShareScope.REPORT, audio=False, lifetime=timedelta(hours=1))
    playlist = await make_playlist(connection, "Openings", author)
    await add_item(connection, playlist.playlist_id, author, call_id=call_id, start_ts=0, end_ts=60_000)


async def taught(connection: psycopg.AsyncConnection, transcript: Transcript) -> None:
    """One of everything that a tenant's own classifier is made of."""
    author, call_id = Author(member_id=None, name="A"), transcript.id.call_id
    version = await begin_training(connection, author)
    await finish_training(connection, version, head=b"weights", features="4", report={})
    await keep_heads_of_call(connection, call_id, None, version)
    evidence = transcript.cite(Citation(utterance_no=1, quote="two hours every morning"))
    detection = Detection(
        type="stall", confidence=0.5, evidence=(evidence,), trigger_ts=5500, nudge="", role_known=True
    )
    would = Decision(tier=Tier.NOTED, reason=Reason.LOW_CONFIDENCE)
    await record_shadow_moments(connection, [ShadowMoment(version=version, detection=detection, would=would)])
    await put_label(connection, evidence, author, type_id="stall", holds=False, source="queue")
    view = np.zeros((1, 1152), np.float16)
    await keep_utterance_views(connection, {Said(call_id=call_id, revision=1, utterance_no=1): view}, "4")
    await keep_example_views(connection, {bytes(32): view}, [bytes(32)], "4")


async def test_every_table_is_filtered_by_tenant(store: Store, postgres: EmbeddedPostgres, database: str) -> None:
    with psycopg.connect(postgres.url(user=SUPERUSER, database=database)) as connection:
        found = connection.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, EXISTS (SELECT FROM pg_attribute a"
            " WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull) FROM pg_class c"
            " WHERE c.relnamespace = 'ridealong'::regnamespace AND c.relkind IN ('r', 'p')"
        ).fetchall()
    assert {row[0] for row in found} == set(TABLES)
    assert all(row[1] and row[2] for row in found)


async def test_without_a_tenant_or_as_another_one_nothing_is_seen(store: Store, app: psycopg.Connection) -> None:
    ours, theirs = await full(store, "acme"), await full(store, "rival")
    for table in TABLES:
        assert rows_of(app, table) == 0, table
    for somebody in (ours, theirs):
        become(app, somebody)
        for table in TABLES:
            assert rows_of(app, table) > 0, table
            stranger = theirs if somebody == ours else ours
            found = app.execute(f"SELECT count(*) FROM {table} WHERE tenant_id = %s", [stranger]).fetchone()  # pyright: ignore
            assert found == (0,), table
    for nobody in ("", uuid4()):
        become(app, nobody)
        for table in TABLES:
            assert rows_of(app, table) == 0, table


async def test_an_erased_call_leaves_no_row_behind(
    store: Store, postgres: EmbeddedPostgres, database: str, app: psycopg.Connection
) -> None:
    ours, theirs = await full(store, "acme"), await full(store, "rival")
    with psycopg.connect(postgres.url(user=SUPERUSER, database=database)) as connection:
        hanging = {
            row[0]
            for row in connection.execute(
                "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                " WHERE c.relnamespace = 'ridealong'::regnamespace AND c.relkind = 'r'"
                " AND a.attname IN ('call_id', 'review_id')"
            ).fetchall()
        }
    become(app, ours)
    calls = app.execute("SELECT call_id FROM call").fetchall()
    for (call_id,) in calls:
        with pytest.raises(Refused, match="no such call"):
            async with store.tenant(theirs) as connection:
                await erase_call(connection, call_id)
    for table in hanging:
        assert rows_of(app, table) > 0, table
    for (call_id,) in calls:
        async with store.tenant(ours) as connection:
            await erase_call(connection, call_id)
    for table in hanging:
        assert rows_of(app, table) == 0, table
    become(app, theirs)
    for table in hanging:
        assert rows_of(app, table) > 0, table


async def test_nobody_writes_into_another_tenant(store: Store, app: psycopg.Connection) -> None:
    ours, theirs = await full(store, "acme"), await full(store, "rival")
    become(app, ours)
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute("INSERT INTO rep (tenant_id, rep_id) VALUES (%s, 'spy')", [theirs])
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute("UPDATE call SET tenant_id = %s", [theirs])
    assert app.execute("UPDATE review SET status = 'queued' WHERE tenant_id = %s", [theirs]).rowcount == 0
    assert app.execute("DELETE FROM claim WHERE tenant_id = %s", [theirs]).rowcount == 0


ATTEMPTS = (
    "SET ROLE ridealong",
    "SET ROLE ridealong_lookup",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "ALTER TABLE ridealong.call DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE ridealong.call NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE ridealong.utterance DISABLE TRIGGER ALL",
    "DROP POLICY only_the_current_tenant ON ridealong.call",
    "CREATE POLICY mine ON ridealong.call USING (true)",
    "ALTER TABLE ridealong.claim DROP CONSTRAINT claim_quotes_words_inside_the_utterance",
    "SET session_replication_role = replica",
    "CREATE TABLE ridealong.mine (a int)",
    "CREATE TABLE public.mine (a int)",
    "CREATE FUNCTION ridealong.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION ridealong.current_tenant() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
    "ALTER ROLE ridealong_app BYPASSRLS",
    "ALTER ROLE ridealong_app SUPERUSER",
    "CREATE ROLE mine SUPERUSER",
    "GRANT ridealong_lookup TO ridealong_app",
    "TRUNCATE ridealong.call CASCADE",
    "COPY ridealong.call TO PROGRAM 'cat'",
    "SELECT * FROM pg_authid",
    "LISTEN x; COPY ridealong.utterance FROM '/etc/hostname'",
)


async def test_the_applications_role_cannot_open_the_door(app: psycopg.Connection) -> None:
    for attempt in ATTEMPTS:
        with pytest.raises((errors.InsufficientPrivilege, errors.FeatureNotSupported)):
            app.execute(attempt)  # pyright: ignore


async def test_resetting_the_role_or_the_row_filter_gains_nothing(store: Store, app: psycopg.Connection) -> None:
    await full(store, "acme")
    for attempt in ("RESET ROLE", "RESET SESSION AUTHORIZATION", "SET ROLE NONE"):
        app.execute(attempt)  # pyright: ignore
        assert app.execute("SELECT current_user, session_user").fetchone() == ("ridealong_app", "ridealong_app")
        assert rows_of(app, "call") == 0
    # With it off PostgreSQL refuses the query instead of filtering it.
    app.execute("SET row_security = off")
    with pytest.raises(errors.InsufficientPrivilege):
        rows_of(app, "call")


async def test_temporary_objects_do_not_shadow_what_the_functions_use(store: Store, app: psycopg.Connection) -> None:
    ours = await full(store, "acme")
    app.execute("CREATE TEMPORARY TABLE token (tenant_id uuid, token_hash bytea)")
    app.execute("SET search_path = pg_temp, ridealong, public")
    assert app.execute("SELECT * FROM ridealong.resolve_token('\\x00')").fetchall() == []
    become(app, ours)
    assert rows_of(app, "token") == 1


async def test_the_owner_too_sees_one_tenant_at_a_time(store: Store, postgres: EmbeddedPostgres, database: str) -> None:
    ours = await full(store, "acme")
    with psycopg.connect(postgres.url(user="ridealong", database=database), autocommit=True) as owner:
        for table in TABLES:
            assert rows_of(owner, table) == 0, table
        become(owner, ours)
        assert rows_of(owner, "utterance") == 2 * 6


async def test_a_connection_forgets_its_tenant(store: Store) -> None:
    call = await record_call(store)
    for _ in range(5):
        async with store.tenant(call.tenant_id) as connection:
            await load_call(connection, call.call_id)
        async with store.without_tenant() as connection:
            row = await (await connection.execute("SELECT count(*) FROM call")).fetchone()
            assert row == (0,)


async def test_another_tenants_call_is_unknown(store: Store) -> None:
    ours, theirs = await record_call(store, slug="acme"), await record_call(store, slug="rival")
    with pytest.raises(Refused) as refused:
        async with store.tenant(theirs.tenant_id) as connection:
            await load_call(connection, ours.call_id)
    assert refused.value.code == "unknown_call"


async def test_tenants_are_created_found_and_listed(store: Store) -> None:
    acme = await create_tenant(store, "acme", "Acme")
    await create_tenant(store, "a-rival", "A rival")
    assert await find_tenant(store, "acme") == acme
    assert [t.slug for t in await list_tenants(store)] == ["a-rival", "acme"]
    for slug, code in (("acme", "slug_taken"), ("Not OK", "invalid_slug"), ("", "invalid_slug")):
        with pytest.raises(Refused) as refused:
            await create_tenant(store, slug, "x")
        assert refused.value.code == code
    with pytest.raises(Refused, match="there is no tenant 'nobody'"):
        await find_tenant(store, "nobody")


async def test_a_token_speaks_for_its_tenant_until_it_is_revoked(
    store: Store, postgres: EmbeddedPostgres, database: str
) -> None:
    tenant_id = (await create_tenant(store, "acme", "Acme")).tenant_id
    token = await issue_token(store, tenant_id, {Scope.CAPTURE, Scope.READ})
    principal = await resolve_token(store, token)
    assert (principal.tenant_id, principal.scopes, principal.call_id) == (
        tenant_id,
        frozenset({Scope.CAPTURE, Scope.READ}),
        None,
    )
    with psycopg.connect(postgres.url(user=SUPERUSER, database=database)) as connection:
        row = connection.execute("SELECT t::text FROM ridealong.token t").fetchone()
    assert row is not None
    assert token not in row[0]
    async with store.tenant(tenant_id) as connection:
        (record,) = await list_tokens(connection)
    await revoke_token(store, tenant_id, record.token_id)
    with pytest.raises(Refused, match="wrong, expired or revoked"):
        await resolve_token(store, token)
    with pytest.raises(Refused, match="no such token"):
        await revoke_token(store, (await create_tenant(store, "b", "B")).tenant_id, record.token_id)


async def test_a_wrong_token_is_unknown(store: Store) -> None:
    for token in ("", "ra_", "ra_x", "Bearer ra_x", "ra_" + "x" * 5000, "ra_\x00\ud800", "' OR 1=1"):
        with pytest.raises(Refused) as refused:
            await resolve_token(store, token)
        assert refused.value.code == "unknown_token"


async def test_a_token_can_be_limited_in_time_and_to_a_call(store: Store) -> None:
    call, stranger = await record_call(store), await record_call(store, slug="rival")
    limited = await issue_token(
        store, call.tenant_id, [Scope.CAPTURE], call_id=call.call_id, expires_in=timedelta(hours=1)
    )
    assert (await resolve_token(store, limited)).call_id == call.call_id
    expired = await issue_token(store, call.tenant_id, [Scope.READ], expires_in=timedelta(seconds=-1))
    with pytest.raises(Refused):
        await resolve_token(store, expired)
    with pytest.raises(Refused, match="token_is_limited_to_a_call_of_its_tenant"):
        await issue_token(store, call.tenant_id, [Scope.READ], call_id=stranger.call_id)
    with pytest.raises(Refused, match="at least one scope"):
        await issue_token(store, call.tenant_id, [])


async def test_a_document_has_versions_and_one_is_active(store: Store) -> None:
    tenant_id = (await create_tenant(store, "acme", "Acme")).tenant_id
    async with store.tenant(tenant_id) as connection:
        assert await active_document(connection, DocumentKind.RUBRIC, "bant") is None
        await put_document(connection, DocumentKind.RUBRIC, "bant", "one")
        second = await put_document(connection, DocumentKind.RUBRIC, "bant", "two")
        await put_document(connection, DocumentKind.TEMPLATE, "bant", "other")
        assert await active_document(connection, DocumentKind.RUBRIC, "bant") == second
        assert [(d.kind, d.body) for d in await list_documents(connection)] == [
            ("rubric", "two"),
            ("template", "other"),
        ]
        await withdraw_document(connection, DocumentKind.RUBRIC, "bant")
        assert await active_document(connection, DocumentKind.RUBRIC, "bant") is None
        assert (await put_document(connection, DocumentKind.RUBRIC, "bant", "three")).version == 3


async def test_a_voice_is_enrolled_replaced_and_forgotten(store: Store) -> None:
    tenant_id = (await create_tenant(store, "acme", "Acme")).tenant_id
    async with store.tenant(tenant_id) as connection:
        await enrol_voice(connection, "kim", [0.25] * 512)
        await enrol_voice(connection, "kim", [0.5] * 512)
        (voice,) = await load_voiceprints(connection)
        assert (voice.rep_id, voice.voiceprint) == ("kim", (0.5,) * 512)
        with pytest.raises(InvalidSettings, match="512 numbers"):
            await enrol_voice(connection, "kim", [0.5] * 3)
        await erase_voiceprint(connection, "kim")
        assert await load_voiceprints(connection) == []
        with pytest.raises(Refused, match="no enrolled voice"):
            await erase_voiceprint(connection, "kim")
