"""Which deal of the CRM a call belongs to. Nothing is guessed: of several that fit, none is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ridealong.core.crm import CrmDeal, CrmFailed, CrmFault

if TYPE_CHECKING:
    from ridealong.core.context import CallContext
    from ridealong.crm import Crm
    from ridealong.crm.mapping import CrmMapping


async def find_deal(crm: Crm, context: CallContext, emails: Sequence[str], *, known_id: str = "") -> CrmDeal:
    """The deal by its id, else by its name, else by who took part, else by the customer.

    Of several the one that is open; raises CrmFailed(NO_DEAL | SEVERAL_DEALS | DEAL_GONE).
    """
    if known_id:
        return await crm.deal(known_id)
    if context.deal and crm.is_deal_id(context.deal):
        return await crm.deal(context.deal)
    if context.deal:
        found = await crm.deals_named(context.deal)
        if found:
            return await _one(crm, _of_customer(found, context.customer), "of the name of the call's deal")
    found = []
    for email in emails:
        found += [deal for deal in await crm.deals_of_person(email) if deal.deal_id not in {d.deal_id for d in found}]
    if found:
        return await _one(crm, found, "of those who took part")
    if context.customer:
        found = await crm.deals_of_customer(context.customer)
        if found:
            return await _one(crm, found, "of that customer")
    raise CrmFailed(
        CrmFault.NO_DEAL, "nothing says which deal the call belongs to: name its id, or who took part, in the call"
    )


def _of_customer(found: Sequence[CrmDeal], customer: str) -> Sequence[CrmDeal]:
    """Those of the customer, where the CRM says whose they are and that tells them apart."""
    own = [deal for deal in found if deal.customer and deal.customer.casefold() == customer.casefold()]
    return own or found


async def _one(crm: Crm, found: Sequence[CrmDeal], which: str) -> CrmDeal:
    wanted = [deal for deal in found if not deal.closed] or list(found)
    if len(wanted) > 1:
        raise CrmFailed(
            CrmFault.SEVERAL_DEALS, f"the CRM has {len(wanted)} deals {which}: name the id of the right one in the call"
        )
    # What a search gives lacks the customer and the stage's name.
    return await crm.deal(wanted[0].deal_id)


def stage_of(mapping: CrmMapping, deal: CrmDeal) -> str:
    """The word for the deal's stage that rubrics may depend on."""
    return mapping.stage_of(deal.stage, deal.stage_label)
