/** How the live pages say things. */

import type { Role } from "./feed";

export function speakerName(
  speaker: number | null,
  roles: Readonly<Record<number, Role>>,
  names: Readonly<Record<number, string>>,
): string {
  if (speaker === null) return "Somebody";
  const name = names[speaker];
  if (name !== undefined) return name;
  const role = roles[speaker];
  if (role === "rep") return "Rep";
  if (role === "customer") return "Customer";
  return `Speaker ${speaker + 1}`;
}

const NOTED: Readonly<Record<string, string>> = {
  low_confidence: "Not sure enough to interrupt the rep.",
  budget_spent: "The rep had enough nudges in these minutes.",
  cooling_down: "The rep was nudged about this just before.",
  late: "It would have come too late.",
  role_unknown: "It is not known yet who the rep is.",
  type_is_noted: "This kind is kept for the review only.",
  quiet_period: "The call has only begun: the policy keeps quiet for now.",
  rep_is_speaking: "The rep was speaking.",
  customer_is_thinking: "The rep had just spoken: the customer was thinking.",
  held_out: "Held out by lot, to measure what nudges do.",
};

export function whyNoted(reason: string): string {
  return NOTED[reason] ?? "Kept for the review.";
}
