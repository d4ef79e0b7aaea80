/** What delivery shows, in words, and what of it is reckoned. */

import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Delivery = Schemas["LoggedDelivery"];
export type Attempt = Schemas["DeliveryAttempt"];
export type Destination = Schemas["Webhook"];
export type Kind = Destination["kind"];
export type EventName = Destination["events"][number];
export type AudienceTemplate = Schemas["AudienceTemplate"];
export type Form = AudienceTemplate["form"];

export const EVENTS: Readonly<Record<EventName, string>> = {
  "call.ended": "A call has ended",
  "review.done": "A review is done",
  "moment.found": "A moment was found",
};

/** What a destination is told of, in the order in which it happens on a call. */
export function inOneLine(events: readonly EventName[]): string {
  const order: EventName[] = ["moment.found", "call.ended", "review.done"];
  const said = order.filter((event) => events.includes(event)).map((event) => EVENTS[event]);
  return said.map((one, at) => (at === 0 ? one : one.charAt(0).toLowerCase() + one.slice(1))).join(", ");
}

export const STATUSES: Readonly<Record<Delivery["status"], { label: string; about: string }>> = {
  waiting: { label: "Waiting", about: "It is tried at the time beside it." },
  delivered: { label: "Delivered", about: "The other side took it." },
  dead: { label: "Given up", about: "No further attempt is made by itself. You can send it again." },
};

/** What one attempt came to, and why. */
export function attemptWords({ outcome, answer }: Pick<Attempt, "outcome" | "answer">, kind: Kind): string {
  const status = answer === null ? "" : ` with ${answer}${meaning(answer, kind)}`;
  switch (outcome) {
    case "taken":
      return `taken${answer === null ? "" : ` with ${answer}`}`;
    case "refused":
      return `refused${status}`;
    case "not reached":
      return "not reached: the address does not answer";
    case "too late":
      return "too late: no answer within the time";
    case "not made":
      return "not made: the report could not be written, or mail is not set up";
  }
}

const REDIRECT = "it sends us elsewhere, and no message follows: give the new address";

function meaning(answer: number, kind: Kind): string {
  if (kind === "email") return answer >= 500 ? " (refused for good)" : " (try later)";
  if (kind === "slack" && answer === 200) return " (its answer says that it failed)";
  const known: Record<number, string> = {
    301: REDIRECT,
    302: REDIRECT,
    307: REDIRECT,
    308: REDIRECT,
    400: "it did not understand the message",
    401: "it wants another proof of who we are",
    403: "it does not allow us",
    404: "there is nothing at this address",
    410: "it wants no more messages",
    429: "too many at once",
  };
  const text = known[answer] ?? (answer >= 500 ? "it has a fault of its own" : null);
  return text === null ? "" : ` (${text})`;
}

/** Whom a destination reaches. */
export function reaches({ kind, url }: Pick<Destination, "kind" | "url">): string {
  if (kind === "slack") return `Slack, by ${url}`;
  if (kind === "webhook") return url;
  if (url === "mailto:rep") return "The rep whose call it is, by e-mail";
  if (url === "mailto:managers") return "All managers and admins, by e-mail";
  return `${url.replace(/^mailto:/, "")}, by e-mail`;
}

/** What sends this one event again and no other: what is behind the position before it, up to its own. */
export function onlyThis(position: number): { after: number; until: number } {
  return { after: Math.max(0, position - 1), until: position };
}

export const FORMS: readonly { form: Form; label: string }[] = [
  { form: "email", label: "E-mail" },
  { form: "slack", label: "Slack" },
  { form: "html", label: "Page" },
  { form: "md", label: "Markdown" },
  { form: "txt", label: "Plain text" },
  { form: "json", label: "JSON" },
];

/** Names of templates that there are in a form, from documents' names such as `manager.email`. */
export function templatesIn(form: Form, documents: readonly string[]): string[] {
  return documents.flatMap((name) => {
    const [base, ending] = [name.slice(0, name.lastIndexOf(".")), name.slice(name.lastIndexOf(".") + 1)];
    return ending === form && !base.startsWith("partial-") ? [base] : [];
  });
}

/** Which template a report is made with: the chosen one, else that of the audience's name, else the default, else ours. */
export function templateFor(
  audience: string,
  form: Form,
  {
    chosen,
    documents,
    standard,
  }: { chosen: readonly AudienceTemplate[]; documents: readonly string[]; standard: string },
): string {
  const there = templatesIn(form, documents);
  const own = chosen.find((one) => one.audience === audience && one.form === form)?.template;
  return [own, audience, standard].find((name) => name !== undefined && there.includes(name)) ?? "manager";
}

/** Audiences that there are: those that ship, those that were chosen for, and those that something is sent to. */
export function audiencesOf(chosen: readonly AudienceTemplate[], destinations: readonly Destination[]): string[] {
  const sent = destinations.filter((one) => one.kind !== "webhook").map((one) => one.audience);
  return [...new Set(["rep", "manager", "customer", ...chosen.map((one) => one.audience), ...sent])];
}
