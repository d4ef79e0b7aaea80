"""One browser and one server with a call for each file that does not make its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.people import Desk, browser, desk
from tests.browser.stage import needed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with browser(needed()) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(chrome: Browser) -> AsyncIterator[Desk]:
    async with desk() as made:
        yield made
