/** The list of deals: where each one stands, and in which order. */

import type { DealListed } from "./queries";

export type Order = "last" | "calls" | "customer";

/** Names stand in the query: a customer may be called anything, also `../deals` or `A/B`. */
export function dealAddress(customer: string, deal: string): string {
  return `/deals/deal?${new URLSearchParams(deal ? { customer, deal } : { customer })}`;
}

export function sorted(deals: readonly DealListed[], order: Order): DealListed[] {
  const byName = (a: DealListed, b: DealListed) => a.customer.localeCompare(b.customer) || a.deal.localeCompare(b.deal);
  const newest = (a: DealListed, b: DealListed) => b.last_call_at.localeCompare(a.last_call_at);
  const by = {
    last: newest,
    calls: (a: DealListed, b: DealListed) => b.calls - a.calls || newest(a, b),
    customer: byName,
  };
  return [...deals].sort(by[order]);
}

export function stagesOf(deals: readonly DealListed[]): string[] {
  return [...new Set(deals.map((deal) => deal.stage).filter(Boolean))].sort();
}

/** Customers, in small letters, of whom only one deal is listed. */
export function customersWithOneDeal(deals: readonly DealListed[]): Set<string> {
  const times = new Map<string, number>();
  for (const { customer } of deals) times.set(customer.toLowerCase(), (times.get(customer.toLowerCase()) ?? 0) + 1);
  return new Set([...times].filter(([, count]) => count === 1).map(([customer]) => customer));
}
