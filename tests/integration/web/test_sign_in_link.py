"""The link that the demo prints: one browser on this machine comes in with it, once, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from ridealong.config import Settings
from ridealong.web.people import Opened
from ridealong.web.sessions import Reception
from ridealong.web.sign_in_link import LIFE_S, SignInLink, link_api
from tests.integration.web.people import House, house, is_problem

USED = "/sign-in?error=used_link"


class Clock:
    """Time as the test has it, in seconds."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def demo(store_settings: Settings, tmp_path: Path) -> AsyncIterator[tuple[House, SignInLink, Clock]]:
    """A server whose composition has the link."""
    async with house(store_settings, tmp_path / "recordings") as made:
        clock = Clock()

        async def enter() -> Opened:
            return await made.people.enter_demo(
                made.tenant_id, email="Alex@demo.example", name="Alex", rep_id="sample-rep"
            )

        link = SignInLink(open_session=enter, clock=clock)
        made.app.include_router(link_api(link, Reception(made.services)))
        yield made, link, clock


async def test_a_link_signs_one_browser_in_and_leads_to_its_page(demo: tuple[House, SignInLink, Clock]) -> None:
    made, link, _ = demo
    path = link.renew("/calls/7?tab=moments")
    async with made.browser() as first, made.browser() as second:
        answer = await first.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/calls/7?tab=moments")
        assert answer.headers["cache-control"] == "no-store"
        said = (await first.get("/v1/session")).json()
        assert (said["member"]["email"], said["member"]["role"]) == ("alex@demo.example", "admin")
        assert said["member"]["rep_id"] == "sample-rep"
        # It is used up: for the browser that came in it leads on, for any other nowhere.
        assert (await first.get(path)).headers["location"] == "/calls/7?tab=moments"
        assert (await second.get(path)).headers["location"] == USED
        assert (await second.get("/v1/session")).json()["signed_in"] is False
        # The demo of the next day finds the same person, with another link.
        assert (await second.get(link.renew("/calls"))).headers["location"] == "/calls"
        assert (await second.get("/v1/session")).json()["member"] == said["member"]


async def test_a_link_that_is_old_was_replaced_or_was_guessed_signs_nobody_in(
    demo: tuple[House, SignInLink, Clock],
) -> None:
    made, link, clock = demo
    replaced = link.renew("/calls")
    path = link.renew("/calls")
    async with made.browser() as browser:
        for tried in (replaced, "/v1/session/link", "/v1/session/link?key=guessed&next=/calls"):
            assert (await browser.get(tried)).headers["location"] == USED
        clock.now += LIFE_S + 1
        assert (await browser.get(path)).headers["location"] == USED
        assert (await browser.get("/v1/session")).json()["signed_in"] is False


async def test_a_link_leads_to_no_other_site_and_works_on_this_machine_alone(
    demo: tuple[House, SignInLink, Clock],
) -> None:
    made, link, _ = demo
    path = link.renew("https://elsewhere.example/")
    async with made.browser(**{"X-Forwarded-For": "203.0.113.9"}) as far:
        assert is_problem(await far.get(path), 404, "not_found")
    async with made.browser() as near:
        assert (await near.get(path)).headers["location"] == "/"


async def test_a_server_that_is_no_demo_has_no_such_link(store_settings: Settings, tmp_path: Path) -> None:
    async with house(store_settings, tmp_path / "recordings") as plain, plain.browser() as browser:
        assert is_problem(await browser.get("/v1/session/link?key=x"), 404, "not_found")


def test_a_link_holds_its_key_and_its_page_and_shows_neither_in_a_log() -> None:
    async def nobody() -> Opened:
        raise AssertionError

    link = SignInLink(open_session=nobody)
    asked = parse_qs(urlsplit(link.renew("/rep")).query)
    assert asked["next"] == ["/rep"]
    assert asked["key"][0] not in repr(link)
