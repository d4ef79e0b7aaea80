"""A company's people sign in through its provider: over real requests, against a provider that may lie."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from ridealong.app.identity import CALLBACK, OidcProvider, of_settings
from ridealong.app.people import OidcRules
from ridealong.config import Settings
from ridealong.core.errors import InvalidSettings
from ridealong.core.people import MemberRole
from ridealong.web.oidc import own_page
from tests.integration.web.people import Browser, House, house, is_problem
from tests.vendors.oidc import CLIENT_ID, CLIENT_SECRET, Lie, OidcStandIn

RITA = "rita@acme.example"
PUBLIC = "https://calls.acme.example"


@dataclass
class Company:
    house: House
    provider: OidcStandIn
    identity: OidcProvider

    async def go(self, browser: Browser, page: str = "/calls") -> httpx.Response:
        """Through the provider and back, as a browser goes; our answer at the end."""
        start = await browser.get(f"/v1/oidc/start?next={page}")
        assert start.status_code == 302, start.text
        async with httpx.AsyncClient(timeout=60) as outside:
            back = await outside.get(start.headers["location"])
        assert back.status_code == 302, back.text
        location = back.headers["location"]
        assert location.startswith(PUBLIC + CALLBACK)
        return await browser.get(location.removeprefix(PUBLIC))


def settings_of(provider: OidcStandIn, **more: object) -> Settings:
    return Settings(
        public_url=PUBLIC,
        oidc_issuer=provider.url,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=SecretStr(CLIENT_SECRET),
        oidc_name="Acme",
        oidc_tenant="acme",
        oidc_domains="acme.example, @sub.example",
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture
async def company(store_settings: Settings, tmp_path: Path) -> AsyncIterator[Company]:
    async with OidcStandIn().running() as provider:
        provider.redirect_uri = PUBLIC + CALLBACK
        found = of_settings(settings_of(provider))
        assert found is not None
        async with house(
            store_settings, tmp_path / "r", identity=found[0], rules={"oidc": found[1]}, public_url=PUBLIC
        ) as made:
            yield Company(made, provider, found[0])


async def test_somebody_of_the_company_becomes_a_rep(company: Company) -> None:
    async with company.house.browser() as browser:
        assert (await browser.get("/v1/session")).json()["oidc"] == {"name": "Acme"}
        browser.http.event_hooks["response"] = [lambda answer: _soften(browser, answer)]
        answer = await company.go(browser, "/calls?q=x")
        assert (answer.status_code, answer.headers["location"]) == (302, "/calls?q=x")
        member = (await browser.get("/v1/session")).json()["member"]
        assert (member["email"], member["name"], member["role"]) == (RITA, "Rita R.", "rep")
        # With a new address the same person is the same member.
        company.provider.person["email"] = "rita.new@acme.example"
        await company.go(browser)
        assert (await browser.get("/v1/session")).json()["member"]["member_id"] == member["member_id"]
        assert is_problem(await browser.sign_in(RITA, ""), 403, "foreign_origin")


async def _soften(browser: Browser, _answer: httpx.Response) -> None:
    """A test's client would not send back over http what is kept for https alone."""
    for cookie in browser.http.cookies.jar:
        cookie.secure = False


async def signed_in(company: Company, page: str = "/") -> tuple[str, bool]:
    """(where the browser ends up, whether it is signed in)"""
    async with company.house.browser() as browser:
        browser.http.event_hooks["response"] = [lambda answer: _soften(browser, answer)]
        answer = await company.go(browser, page)
        return answer.headers["location"], (await browser.get("/v1/session")).json()["signed_in"]


@pytest.mark.parametrize("lie", [lie for lie in Lie if lie not in (Lie.BROKEN, Lie.NOT_JSON)])
async def test_a_provider_that_lies_signs_nobody_in(company: Company, lie: Lie) -> None:
    company.provider.lie = lie
    company.provider.email_in_token = lie is not Lie.OTHER_PERSON
    assert await signed_in(company) == ("/sign-in?error=oidc_refused", False)
    assert await company.house.people.members(company.house.tenant_id) == []
    company.provider.lie, company.provider.email_in_token = None, True
    assert await signed_in(company) == ("/", True)


@pytest.mark.parametrize("lie", [Lie.BROKEN, Lie.NOT_JSON])
async def test_a_provider_that_is_broken_is_told_apart_from_one_that_refuses(company: Company, lie: Lie) -> None:
    company.provider.lie = lie
    assert await signed_in(company) == ("/sign-in?error=unavailable", False)


async def test_a_member_keeps_the_role_and_the_one_account(company: Company) -> None:
    await company.house.member(RITA, MemberRole.MANAGER)
    assert await signed_in(company) == ("/", True)
    (member,) = await company.house.people.members(company.house.tenant_id)
    assert (member.email, member.role) == (RITA, MemberRole.MANAGER)
    # The address goes over to another account of the company: that one is not her.
    company.provider.person["sub"] = "u-77"
    assert await signed_in(company) == ("/sign-in?error=oidc_refused", False)


async def test_strangers_and_disabled_members_stay_out(company: Company) -> None:
    for email in ("eve@evil.example", "eve@notacme.example", "eve@acme.example.evil.example"):
        company.provider.person = {"sub": "u-9", "email": email}
        assert await signed_in(company) == ("/sign-in?error=oidc_refused", False), email
    company.provider.person = {"sub": "u-10", "email": "Sue@SUB.example"}
    assert await signed_in(company) == ("/", True)
    (member,) = await company.house.people.members(company.house.tenant_id)
    await company.house.people.change_member(company.house.tenant_id, member.member_id, disabled=True)
    assert await signed_in(company) == ("/sign-in?error=oidc_refused", False)


async def test_what_the_id_token_leaves_out_is_asked_for(company: Company) -> None:
    company.provider.email_in_token = False
    company.provider.basic = False
    assert await signed_in(company) == ("/", True)


async def test_a_new_key_of_the_provider_is_fetched_when_it_is_needed(company: Company) -> None:
    identity = company.identity
    assert await signed_in(company) == ("/", True)
    company.provider.turn_keys()
    assert await signed_in(company) == ("/sign-in?error=oidc_refused", False), "not at every token with another key"
    identity.keys_again_s = 0
    assert await signed_in(company) == ("/", True)
    assert company.provider.asked == ["keys", "keys"]


async def test_who_comes_back_without_having_gone_is_not_signed_in(company: Company) -> None:
    async with company.house.browser() as attacker, company.house.browser() as victim:
        for browser in (attacker, victim):
            browser.http.event_hooks["response"] = [lambda answer, b=browser: _soften(b, answer)]
        start = await attacker.get("/v1/oidc/start")
        async with httpx.AsyncClient(timeout=60) as outside:
            back = (await outside.get(start.headers["location"])).headers["location"].removeprefix(PUBLIC)
        # The attacker's own answer, in the victim's browser: with no journey, and with the victim's own.
        assert (await victim.get(back)).headers["location"] == "/sign-in?error=oidc_refused"
        await victim.get("/v1/oidc/start")
        assert (await victim.get(back)).headers["location"] == "/sign-in?error=oidc_refused"
        assert (await victim.get("/v1/session")).json()["signed_in"] is False
        # A code serves once.
        assert (await attacker.get(back)).headers["location"] == "/"
        assert (await attacker.get(back)).headers["location"] == "/sign-in?error=oidc_refused"


@pytest.mark.parametrize(
    "page",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example"),
        *("javascript:alert(1)", "evil.example", "", "/v1/session", "/ x", "/\r\nSet-Cookie: a=b", "/" + "x" * 2000),
    ],
)
def test_the_page_afterwards_is_never_somebody_else_s(page: str) -> None:
    assert own_page(page) == "/"


@pytest.mark.parametrize("page", ["/calls", "/calls/7c0e?at=3#x", "/rep", "/a//b", "/x?next=https://evil.example"])
def test_the_page_afterwards_may_be_any_of_ours(page: str) -> None:
    assert own_page(page) == page


async def test_a_server_without_a_provider_says_so(store_settings: Settings, tmp_path: Path) -> None:
    async with house(store_settings, tmp_path / "r") as plain, plain.browser() as browser:
        assert is_problem(await browser.get("/v1/oidc/start"), 501, "missing_part")
        assert is_problem(await browser.get("/v1/oidc/callback?code=x&state=y"), 501, "missing_part")


def test_settings_that_cannot_work_are_told() -> None:
    whole = {"oidc_issuer": "https://id.example", "oidc_client_id": "x", "public_url": "https://calls.example"}
    assert of_settings(Settings()) is None
    found = of_settings(Settings(**whole))  # type: ignore[arg-type]
    assert found is not None
    assert found[0].redirect_uri == "https://calls.example/v1/oidc/callback"
    assert found[1] == OidcRules(tenant="default")
    for missing, told in (("oidc_client_id", "OIDC_CLIENT_ID"), ("public_url", "PUBLIC_URL")):
        with pytest.raises(InvalidSettings, match=told):
            of_settings(Settings(**{k: v for k, v in whole.items() if k != missing}))  # type: ignore[arg-type]
    with pytest.raises(InvalidSettings, match="https"):
        of_settings(Settings(**whole | {"oidc_issuer": "http://id.example"}))  # type: ignore[arg-type]
