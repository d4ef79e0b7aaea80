"""A tenant's CRM account: kept, opened and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from uuid import UUID

from ridealong.core.crm import CrmFailed, CrmFault, CrmVendor
from ridealong.core.errors import InvalidDocument, InvalidSettings, Refused
from ridealong.crm.hubspot import BASE_URL, HubSpot
from ridealong.crm.mapping import SOURCE, CrmMapping, read_mapping
from ridealong.crm.salesforce import Salesforce
from ridealong.outside import lies_inside
from ridealong.store import crm as stored
from ridealong.store.sealing import Sealing, Unreadable
from ridealong.web.crm import CheckedCrm, CrmMappingRead, CrmMappingText, CrmSettings, MappedValue, NewCrm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ridealong.core.crm import DealProperty
    from ridealong.crm import Crm
    from ridealong.store import Store

PRIVATE: Final = "RIDEALONG_CRM_PRIVATE"


@dataclass(frozen=True, kw_only=True, slots=True)
class CrmAccounts:
    """Everybody's CRM. `allow_private`: whether it may lie inside the network, and be spoken to by http."""

    store: Store
    sealing: Sealing
    allow_private: bool = False

    async def read(self, tenant_id: UUID) -> CrmSettings | None:
        async with self.store.tenant(tenant_id) as connection:
            account = await stored.load_account(connection)
        return None if account is None else _shown(account)

    async def write(self, tenant_id: UUID, new: NewCrm) -> CrmSettings:
        """Raises Refused('bad_request'), InvalidDocument with the line of a mistake in the mapping, or MissingPart."""
        vendor = CrmVendor(new.vendor)
        _mapping_for(vendor, new.mapping)
        url = read_url(new.url or (BASE_URL if vendor is CrmVendor.HUBSPOT else ""), allow_private=self.allow_private)
        if new.client_id and vendor is CrmVendor.HUBSPOT:
            raise Refused("bad_request", "`client_id`: HubSpot takes the token of a private app alone")
        async with self.store.tenant(tenant_id) as connection:
            known = await stored.load_account(connection)
            # A secret does not follow an address that changes: who may change the address would get to know it.
            same = known is not None and (known.vendor, known.url, known.client_id) == (vendor, url, new.client_id)
            if new.secret is None and not same:
                raise Refused("bad_request", "`secret`: give it together with the vendor, the address and the client")
            await stored.put_account(
                connection,
                self.sealing,
                tenant_id,
                vendor=vendor,
                url=url,
                client_id=new.client_id,
                secret=new.secret,
                write_back=new.write_back,
                mapping=new.mapping,
            )
            account = await stored.load_account(connection)
        if account is None:
            raise Refused("not_found", "this tenant has no CRM")
        return _shown(account)

    def read_mapping(self, written: CrmMappingText) -> CrmMappingRead:
        """What it comes to. Raises InvalidDocument with the line of the mistake."""
        mapping = _mapping_for(CrmVendor(written.vendor), written.mapping)
        places = {**mapping.fields, "summary": mapping.summary, "next_steps": mapping.next_steps}
        return CrmMappingRead(
            writes=[
                MappedValue(value=value, property=place.property, link=place.link)
                for value, place in places.items()
                if place is not None
            ],
            note=mapping.note,
            overwrite=mapping.overwrite,
            min_confidence=mapping.min_confidence,
            stages=dict(mapping.stages),
        )

    async def drop(self, tenant_id: UUID) -> None:
        async with self.store.tenant(tenant_id) as connection:
            await stored.drop_account(connection)

    async def check(self, tenant_id: UUID) -> CheckedCrm:
        """Whether the CRM takes the token and has all that the mapping names. Raises Refused('not_found')."""
        account, mapping = await self.account(tenant_id)
        try:
            async with self.opened(tenant_id, account, mapping) as crm:
                # First what writing needs: whose account it is may be kept from a token that may do all of that.
                known = await crm.properties()
                whose = await _whose(crm)
        except CrmFailed as error:
            return CheckedCrm(works=False, account="", reason=error.fault.value, message=str(error), problems=[])
        problems = [problem for name in mapping.properties() if (problem := problem_of(name, known)) is not None]
        return CheckedCrm(works=not problems, account=whose, reason="", message="", problems=problems)

    async def account(self, tenant_id: UUID) -> tuple[stored.CrmAccount, CrmMapping]:
        """Raises Refused('not_found') where the tenant has none."""
        async with self.store.tenant(tenant_id) as connection:
            account = await stored.load_account(connection)
        if account is None:
            raise Refused("not_found", "this tenant has no CRM: set one up first")
        return account, read_mapping(account.mapping)

    def opened(self, tenant_id: UUID, account: stored.CrmAccount, mapping: CrmMapping) -> Crm:
        """The adapter, to be entered. Raises CrmFailed(NOT_SET_UP) for a secret that cannot be read."""
        try:
            secret = account.open_secret(self.sealing, tenant_id)
            # The rules may have become stricter since it was kept.
            url = read_url(account.url, allow_private=self.allow_private)
        except (Unreadable, InvalidSettings, Refused) as error:
            raise CrmFailed(CrmFault.NOT_SET_UP, str(error)) from None
        if account.vendor is CrmVendor.HUBSPOT:
            return HubSpot(token=secret, url=url, allow_private=self.allow_private)
        return Salesforce(
            url=url,
            token="" if account.client_id else secret,
            client_id=account.client_id,
            client_secret=secret if account.client_id else "",
            external_id=mapping.task_external_id,
            allow_private=self.allow_private,
        )


def _mapping_for(vendor: CrmVendor, text: str) -> CrmMapping:
    """Raises InvalidDocument with the line of a mistake, or for what that vendor does not have."""
    mapping = read_mapping(text)
    if mapping.task_external_id is not None and vendor is not CrmVendor.SALESFORCE:
        raise InvalidDocument("task_external_id: only Salesforce has that", source=SOURCE, line=_line(text))
    return mapping


def _line(text: str) -> int:
    found = (at for at, line in enumerate(text.splitlines(), start=1) if line.startswith("task_external_id"))
    return next(found, 1)


def problem_of(name: str, known: Mapping[str, DealProperty]) -> str | None:
    """Why nothing can be written into that property of deals; None where it can."""
    found = known.get(name)
    if found is None:
        return f"{name}: the CRM has no such property of deals"
    if not found.writable:
        return f"{name}: the CRM does not let it be written"
    return None if found.text else f"{name}: it holds no text"


def read_url(url: str, *, allow_private: bool, setting: str = PRIVATE) -> str:
    """The address without a slash at its end. Raises Refused('bad_request') for one that may not be asked."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
        raise Refused("bad_request", "`url`: write an address such as https://acme.my.salesforce.com")
    if parts.query or parts.fragment:
        raise Refused("bad_request", "`url`: write the address alone, without ? and #")
    if not allow_private:
        if parts.scheme != "https":
            raise Refused("bad_request", "`url` must begin with https://")
        if lies_inside(parts.hostname):
            raise Refused("bad_request", f"`url` lies inside the server's network: {setting} allows that")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _shown(account: stored.CrmAccount) -> CrmSettings:
    return CrmSettings(
        vendor=account.vendor.value,
        url=account.url,
        client_id=account.client_id,
        write_back=account.write_back,
        mapping=account.mapping,
        secret_set_at=account.secret_set_at,
    )


async def _whose(crm: Crm) -> str:
    try:
        return await crm.account()
    except CrmFailed as error:
        if error.fault in (CrmFault.NOT_ALLOWED, CrmFault.DEAL_GONE):
            return ""
        raise
