from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ridealong.config import Settings
from ridealong.core.people import MemberRole
from ridealong.postcall.evidence import EvidenceFinder
from tests.integration.crm.firm import ADMIN, Firm
from tests.integration.web.people import house
from tests.unit.postcall.embedder import LetterEmbedder
from tests.vendors.hubspot import HubSpotStandIn
from tests.vendors.salesforce import SalesforceStandIn


@pytest.fixture
async def firm(store_settings: Settings, tmp_path: Path) -> AsyncIterator[Firm]:
    """A server, a tenant with an admin, and what writes into its CRM."""
    async with house(store_settings, tmp_path / "recordings", allow_private=True) as made:
        await made.member(ADMIN, MemberRole.ADMIN)
        embedder = LetterEmbedder()
        with ThreadPoolExecutor(1) as threads:
            yield Firm(house=made, embedder=embedder, finder=EvidenceFinder(embedder), threads=threads)


@pytest.fixture
async def hubspot() -> AsyncIterator[HubSpotStandIn]:
    async with HubSpotStandIn().running() as made:
        made.properties |= dict.fromkeys(("meddic_pain", "last_call", "pain_link"), ("string", False))
        yield made


@pytest.fixture
async def salesforce() -> AsyncIterator[SalesforceStandIn]:
    async with SalesforceStandIn().running() as made:
        made.fields |= {"Pain__c": ("textarea", True, 32_000), "Summary__c": ("textarea", True, 400)}
        yield made
