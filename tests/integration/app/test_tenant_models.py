"""A tenant's own models and keys: given over HTTP, encrypted at rest, used by real reviews and real calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from ridealong.app import hosted, reviewing
from ridealong.app.checks import Outcome
from ridealong.app.commands import rotate_keys
from ridealong.app.doctor_tenants import check_tenants
from ridealong.app.runtime import StoreTokens
from ridealong.app.stored_models import StoredModels
from ridealong.app.tenant_models import KEPT_S, TenantModels
from ridealong.app.token_counts import TokenCounts
from ridealong.config import Settings
from ridealong.core.artifact import Artifact, StepOutcome
from ridealong.core.errors import ModelRefused
from ridealong.llm import AnswerSchema, Block, Question
from ridealong.llm.house import ModelHouse
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.pipeline import ReviewPipeline
from ridealong.postcall.reviewer import InThreads
from ridealong.store import Store, tenants
from ridealong.store.artifacts import load_artifact
from ridealong.store.embedded import SUPERUSER, EmbeddedPostgres
from ridealong.store.model_choices import load_choice, seal_anew
from ridealong.store.reviews import ReviewStatus
from ridealong.store.sealing import KEY_FILE, Sealing
from ridealong.web.server import create_app, running
from ridealong.web.services import Services
from tests.integration.postcall.calls import ended_call, new_tenant
from tests.integration.postcall.frontier import well
from tests.integration.postcall.test_pipeline import dump_of
from tests.integration.web.standin import StandInCalls, StandInStore
from tests.unit.postcall.embedder import LetterEmbedder
from tests.vendors.anthropic_messages import AnthropicMessages
from tests.vendors.groq_chat import GroqChat
from tests.vendors.loopback import Asked

FIRST, SECOND = "the operator's first secret is long enough", "the operator's second secret is long enough"
OWN_KEY = "sk-ant-tenants-own-0123456789-wxyz"
OPUS = "anthropic:claude-opus-5-5"


@dataclass(kw_only=True)
class Site:
    """A server with one tenant, whose admin asks over HTTP."""

    client: httpx.AsyncClient
    store: Store
    settings: Settings
    house: ModelHouse
    models: TenantModels
    tenant_id: UUID
    token: str

    async def get(self) -> dict[str, Any]:
        answer = await self.client.get("/v1/models")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def put(self, **change: Any) -> dict[str, Any]:
        answer = await self.client.put("/v1/models", json=change)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, change: object, status: int = 422) -> str:
        body = change if isinstance(change, bytes) else json.dumps(change).encode()
        answer = await self.client.put("/v1/models", content=body)
        assert answer.status_code == status, answer.text
        return str(answer.json()["detail"])

    async def review(self) -> Artifact:
        local = InThreads(LocalReviewer(LetterEmbedder()))
        made = reviewing.reviewer(self.settings, self.house, LetterEmbedder(), local, self.models)
        call_id = await ended_call(self.store, self.tenant_id)
        pipeline = await ReviewPipeline.open(self.store, LetterEmbedder(), made, sweep_seconds=0.3)
        try:
            assert await asyncio.wait_for(pipeline.wait(self.tenant_id, call_id), 120) is ReviewStatus.FINISHED
        finally:
            await pipeline.close()
        async with self.store.tenant(self.tenant_id) as connection:
            return await load_artifact(connection, call_id)


@asynccontextmanager
async def served(store: Store, settings: Settings, *, tenant_id: UUID | None = None) -> AsyncIterator[Site]:
    house = ModelHouse(settings)
    counts = TokenCounts(store, house)
    models = TenantModels(store, Sealing.of_settings(settings), counts=counts)
    shelf = StandInStore(StandInCalls())
    services = Services(
        calls=StandInCalls(),
        tokens=StoreTokens(store=store),
        library=shelf,
        recordings=shelf,
        render=shelf,
        models=StoredModels(settings=settings, house=house, tenants=models, counts=counts),
    )
    found = tenant_id or await new_tenant(store)
    token = await tenants.issue_token(store, found, list(tenants.Scope))
    try:
        async with running(create_app(services)) as address:
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
                yield Site(
                    client=client,
                    store=store,
                    settings=settings,
                    house=house,
                    models=models,
                    tenant_id=found,
                    token=token,
                )
    finally:
        await house.close()


def with_secret(settings: Settings, secret: str | None = FIRST, **more: Any) -> Settings:
    given = settings.model_dump() | {"secret_key": None if secret is None else SecretStr(secret)} | more
    return Settings(**given)


@pytest.fixture
async def site(store: Store, store_settings: Settings) -> AsyncIterator[Site]:
    async with served(store, with_secret(store_settings)) as found:
        yield found


def well_asked(asked: Asked) -> Mapping[str, Any]:
    return well(f"{asked.system}\n\n{asked.user}")


async def test_a_key_goes_in_and_never_comes_out(
    site: Site, postgres: EmbeddedPostgres, database: str, capfd: pytest.CaptureFixture[str]
) -> None:
    put = await site.put(
        live_model="groq:openai/gpt-oss-120b", review_models=[OPUS], vendors={"anthropic": {"key": OWN_KEY}}
    )
    assert put == await site.get()
    assert (put["live_model"], put["review_models"], put["verify_model"]) == ("groq:openai/gpt-oss-120b", [OPUS], None)
    account = put["vendors"]["anthropic"]
    assert (account["key_set"], account["key_readable"], account["key_ends_with"]) == (True, True, "wxyz")
    assert account["key_set_at"]
    assert OWN_KEY[:-4] not in json.dumps(put)
    dump = dump_of(postgres.url(user=SUPERUSER, database=database), "ridealong")
    assert '"anthropic"' in dump
    for secret in (OWN_KEY, OWN_KEY.encode().hex(), OWN_KEY[-8:], FIRST):
        assert secret not in dump
    assert OWN_KEY[-8:] not in "".join(capfd.readouterr())
    assert OWN_KEY not in repr(await site.models.of(site.tenant_id))


async def test_what_is_left_out_stays_and_null_takes_it_away(site: Site) -> None:
    await site.put(live_model="none", review_models=[], vendors={"anthropic": {"key": OWN_KEY}, "groq": {"key": "g"}})
    after = await site.put(live_model=None, vendors={"groq": None})
    assert (after["live_model"], after["review_models"], list(after["vendors"])) == (None, [], ["anthropic"])
    since = after["vendors"]["anthropic"]["key_set_at"]
    again = await site.put(vendors={"anthropic": {}})
    assert again["vendors"]["anthropic"]["key_set_at"] == since
    assert (await site.put(vendors={"anthropic": {"key": None}}))["vendors"] == {}


MISTAKES: tuple[tuple[object, str], ...] = (
    ({"live_model": "acme:big"}, "a vendor is one of groq, openai"),
    ({"review_models": ["claude-opus-5-5"]}, "write vendor:model"),
    ({"review_models": [OPUS, OPUS]}, "twice"),
    ({"live_model": "scripted:/etc/passwd"}, "a vendor is one of"),
    ({"live_model": "none", "vendors": {"sk-a-key-in-the-wrong-place": {}}}, "a vendor is one of"),
    ({"vendors": {"groq": {"sk-a-key-in-the-wrong-place": "x"}}}, "Extra inputs"),
    ({"vendors": {"groq": {"key": "two words"}}}, "visible ASCII"),
    ({"vendors": {"groq": {"key": "x\r\nHost: elsewhere"}}}, "visible ASCII"),
    ({"vendors": {"groq": {"key": ""}}}, "visible ASCII"),
    ({"vendors": {"groq": {"key": "k", "url": "http://models.example.com/v1"}}}, "unencrypted to models.example"),
    ({"vendors": {"groq": {"key": "k", "url": "https://169.254.169.254/latest"}}}, "inside the server's own network"),
    ({"vendors": {"groq": {"key": "k", "url": "https://me:hush@models.example.com"}}}, "no user, password"),
    ({"live": "none"}, "Extra inputs"),
    ({"tokens_per_day": 1999}, "greater than or equal to 2000"),
    ({"tokens_per_day": "5000"}, "valid integer"),
    ({"tokens_per_day": 5000, "live_tokens_per_day": 6000}, "more than the 5000 of the day"),
    ([], "object"),
    (b"{", "must be JSON"),
    (b'{"live_model": "\\ud800"}', "must be JSON"),
)


async def test_a_mistake_is_told_and_nothing_changes(site: Site) -> None:
    before = await site.put(review_models=[OPUS], vendors={"groq": {"key": OWN_KEY}})
    for change, said in MISTAKES:
        detail = await site.refused(change)
        assert said in detail, change
        for secret in ("sk-a-key", "hush", "two words", "elsewhere"):
            assert secret not in detail, change
        assert await site.get() == before, change


async def test_a_key_does_not_follow_an_address_that_somebody_changes(site: Site) -> None:
    await site.put(vendors={"groq": {"key": OWN_KEY}})
    assert "give the `key` again" in await site.refused({"vendors": {"groq": {"url": "https://collects.example"}}})
    moved = await site.put(vendors={"groq": {"url": "https://models.example", "key": OWN_KEY}})
    assert moved["vendors"]["groq"]["url"] == "https://models.example/openai/v1"


async def test_what_will_not_work_is_warned_of(site: Site) -> None:
    found = await site.put(
        live_model="groq:a-model-of-tomorrow",
        review_models=["groq:llama-3.3-70b-versatile", "compatible:ours"],
        vendors={"groq": {"key": OWN_KEY}},
    )
    assert any("groq:a-model-of-tomorrow is not in the table" in w for w in found["warnings"])
    assert any("compatible:ours cannot be asked" in w for w in found["warnings"])
    assert found["in_use"]["live_model"] == "groq:a-model-of-tomorrow"


async def test_only_the_tenant_s_admin_may_look_and_change(site: Site, store: Store) -> None:
    await site.put(vendors={"groq": {"key": OWN_KEY}})
    reader = await tenants.issue_token(store, site.tenant_id, [tenants.Scope.READ, tenants.Scope.CAPTURE])
    stranger = await tenants.issue_token(store, await new_tenant(store), list(tenants.Scope))
    for token, status in ((reader, 403), ("ra_x", 401)):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await site.client.get("/v1/models", headers=headers)).status_code == status
        assert (await site.client.put("/v1/models", headers=headers, json={})).status_code == status
    other = await site.client.get("/v1/models", headers={"Authorization": f"Bearer {stranger}"})
    assert other.json()["vendors"] == {}


async def test_a_row_that_was_copied_to_another_tenant_or_vendor_or_address_does_not_open(
    site: Site, store: Store, postgres: EmbeddedPostgres, database: str
) -> None:
    await site.put(vendors={"groq": {"key": OWN_KEY}})
    thief = await new_tenant(store)
    with psycopg.connect(postgres.url(user=SUPERUSER, database=database), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ridealong.vendor_account (tenant_id, vendor, url, sealed_key, key_set_at)"
            " SELECT %s, v, u, sealed_key, key_set_at FROM ridealong.vendor_account,"
            " (VALUES ('groq', ''), ('openai', '')) AS w(v, u)",
            [thief],
        )
        choice = await load_choice(store, site.models.sealing, thief)
        assert [a.key for a in choice.accounts.values()] == [None, None]
        assert all("changed or moved" in (a.unreadable or "") for a in choice.accounts.values())
        connection.execute("UPDATE ridealong.vendor_account SET url = 'https://collects.example/v1'")
    choice = await load_choice(store, site.models.sealing, site.tenant_id)
    assert choice.accounts["groq"].key is None


async def test_keys_survive_a_rotation_and_are_sealed_anew(store: Store, store_settings: Settings) -> None:
    async with served(store, with_secret(store_settings)) as first:
        await first.put(vendors={"groq": {"key": OWN_KEY}})
    both = Sealing.of_settings(with_secret(store_settings, SECOND, secret_keys_old=SecretStr(f"{'x' * 40}, {FIRST}")))
    found = (await load_choice(store, both, first.tenant_id)).accounts["groq"]
    assert (found.key, found.current) == (OWN_KEY, False)
    new = Sealing.of_settings(with_secret(store_settings, SECOND))
    assert "does not have" in ((await load_choice(store, new, first.tenant_id)).accounts["groq"].unreadable or "")
    assert await seal_anew(store, new, first.tenant_id) == (0, 1)
    assert await seal_anew(store, both, first.tenant_id) == (1, 0)
    assert await seal_anew(store, both, first.tenant_id) == (0, 0)
    found = (await load_choice(store, new, first.tenant_id)).accounts["groq"]
    assert (found.key, found.current) == (OWN_KEY, True)


async def test_a_server_without_a_secret_keeps_no_keys_but_choices(store: Store, store_settings: Settings) -> None:
    async with served(store, store_settings) as site:
        assert "RIDEALONG_SECRET_KEY" in await site.refused({"vendors": {"groq": {"key": OWN_KEY}}}, 501)
        assert (await site.put(live_model="none"))["live_model"] == "none"


def test_an_embedded_database_s_key_file_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=None)
    waits = Sealing.of_settings(settings)
    assert not (tmp_path / "data").exists()
    sealed = Sealing.of_settings(settings).seal(OWN_KEY, bound_to=b"us")
    file = tmp_path / "data" / KEY_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == [KEY_FILE]
    # Another process that started before there was a key.
    assert waits.open(sealed, bound_to=b"us") == OWN_KEY
    assert waits.current(sealed)
    assert waits.current(waits.seal(OWN_KEY, bound_to=b"us"))
    later = Sealing.of_settings(with_secret(settings))
    assert later.open(sealed, bound_to=b"us") == OWN_KEY
    assert not later.current(sealed)
    file.chmod(0o644)
    with pytest.raises(Exception, match="chmod 600"):
        Sealing.of_settings(settings).open(sealed, bound_to=b"us")


async def test_a_review_asks_the_tenant_s_model_with_the_tenant_s_key_and_a_changed_one_at_once(
    store: Store, store_settings: Settings
) -> None:
    async with AnthropicMessages(answer=well_asked, key=OWN_KEY) as vendor:
        settings = with_secret(
            store_settings,
            anthropic_api_key=SecretStr("the-servers-own"),
            review_lead_s=0.0,
            review_budget_s=20,
            models_private=True,
        )
        async with served(store, settings) as site:
            assert (await site.review()).reviewer == "local-4"
            await site.put(review_models=[OPUS], vendors={"anthropic": {"key": OWN_KEY, "url": vendor.url}})
            artifact = await site.review()
            assert artifact.reviewer == f"hosted-3 ({OPUS})"
            assert len(artifact.sections) == 6
            assert {asked.headers["x-api-key"] for asked in vendor.asked} == {OWN_KEY}
            vendor.asked.clear()
            vendor.key = "sk-ant-another-0123456789"
            await site.put(vendors={"anthropic": {"key": vendor.key}})
            assert (await site.review()).reviewer == f"hosted-3 ({OPUS})"
            assert {asked.headers["x-api-key"] for asked in vendor.asked} == {vendor.key}


async def test_with_the_wrong_secret_the_local_reviewer_makes_the_review_and_says_so(
    store: Store, store_settings: Settings
) -> None:
    async with AnthropicMessages(answer=well_asked) as vendor:
        # The server has a key of its own for the same vendor: the tenant's words must not travel on it.
        more = {"anthropic_api_key": SecretStr(vendor.key), "anthropic_url": vendor.url, "review_budget_s": 20}
        async with served(store, with_secret(store_settings, **more)) as first:
            await first.put(review_models=[OPUS], vendors={"anthropic": {"key": OWN_KEY}})
        other = with_secret(store_settings, SECOND, **more)
        async with served(store, other, tenant_id=first.tenant_id) as site:
            shown = await site.get()
            assert "cannot be decrypted" in shown["warnings"][0]
            assert "RIDEALONG_SECRET_KEY" in shown["warnings"][0]
            assert shown["vendors"]["anthropic"]["key_readable"] is False
            artifact = await site.review()
        assert vendor.asked == []
    assert artifact.reviewer == f"local-4, in place of hosted-3 ({OPUS})"
    assert any("No hosted model answered" in w for w in artifact.warnings)
    assert {s.outcome for s in artifact.steps} == {StepOutcome.REFUSED}


QUESTION = Question(
    instructions=(Block(text="Answer."),),
    material=(Block(text="Is all well?"),),
    schema=AnswerSchema(
        name="well",
        schema={
            "type": "object",
            "additionalProperties": False,
            "required": ["well"],
            "properties": {"well": {"type": "boolean"}},
        },
    ),
    max_output_tokens=50,
)


async def test_a_call_asks_the_tenant_s_live_model_else_the_server_s(store: Store, store_settings: Settings) -> None:
    async with GroqChat(key=OWN_KEY) as own, GroqChat(key="the-servers-own") as shared:
        settings = with_secret(
            store_settings, groq_api_key=SecretStr(shared.key), groq_url=shared.url, models_private=True
        )
        async with served(store, settings) as site:
            live = hosted.live_model(settings, site.house, site.models)

            async def asked() -> str:
                model = await live(site.tenant_id)
                assert model is not None
                await model.answer(QUESTION)
                return model.name

            assert await asked() == "groq:openai/gpt-oss-20b"
            assert (len(own.asked), len(shared.asked)) == (0, 1)
            await site.put(live_model="groq:openai/gpt-oss-120b", vendors={"groq": {"key": OWN_KEY, "url": own.url}})
            assert await asked() == "groq:openai/gpt-oss-120b"
            assert (len(own.asked), len(shared.asked)) == (1, 1)
            assert own.asked[0].headers["Authorization"] == f"Bearer {OWN_KEY}"
            # An address of the tenant's without a key of its own: the server's key is not sent there.
            await site.put(vendors={"groq": {"key": None}})
            with pytest.raises(ModelRefused, match="needs a key"):
                await asked()
            assert (len(own.asked), len(shared.asked)) == (1, 1)
            await site.put(live_model="none")
            assert await live(site.tenant_id) is None


async def test_a_key_file_that_others_may_read_is_told_and_its_keys_are_not_used(
    site: Site, store: Store, tmp_path: Path
) -> None:
    file = tmp_path / KEY_FILE
    file.write_text(FIRST)
    file.chmod(0o600)
    await site.put(vendors={"groq": {"key": OWN_KEY}})
    assert (await load_choice(store, Sealing(None, file=file), site.tenant_id)).accounts["groq"].key == OWN_KEY
    file.chmod(0o640)
    account = (await load_choice(store, Sealing(None, file=file), site.tenant_id)).accounts["groq"]
    assert account.key is None
    assert "chmod 600" in (account.unreadable or "")


async def test_another_process_hears_of_a_change_soon(store: Store, store_settings: Settings) -> None:
    now = [0.0]
    settings = with_secret(store_settings)
    elsewhere = TenantModels(store, Sealing.of_settings(settings), clock=lambda: now[0])
    async with served(store, settings) as site:
        assert (await elsewhere.of(site.tenant_id)).empty
        await site.put(live_model="none")
        assert (await elsewhere.of(site.tenant_id)).empty
        now[0] += KEPT_S
        assert (await elsewhere.of(site.tenant_id)).live_model == "none"
    assert KEPT_S <= 60


async def test_the_doctor_names_tenants_whose_keys_do_not_open_and_keys_that_should_be_rotated(
    store: Store, store_settings: Settings
) -> None:
    settings = with_secret(store_settings)
    assert "no tenant has" in (await check_tenants(settings, store)).message
    async with served(store, settings) as site:
        await site.put(vendors={"groq": {"key": OWN_KEY}})
    assert (await check_tenants(settings, store)).outcome is Outcome.OK
    rotated = with_secret(store_settings, SECOND, secret_keys_old=SecretStr(FIRST))
    check = await check_tenants(rotated, store)
    assert (check.outcome, "models rotate" in check.message) == (Outcome.WARN, True)
    check = await check_tenants(with_secret(store_settings, SECOND), store)
    assert check.outcome is Outcome.FAIL
    assert "1 of 1 cannot be decrypted" in check.message
    assert "groq" in check.message
    assert OWN_KEY[-4:] not in check.message
    assert "1 keys were encrypted anew" in await rotate_keys(rotated)
    assert (await check_tenants(with_secret(store_settings, SECOND), store)).outcome is Outcome.OK
