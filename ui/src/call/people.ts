/** What each speaker of a call is called and coloured. */

import type { CallDetail, RoleName, Speaker } from "@/api/types";

export interface Person {
  speaker: Speaker | null;
  label: string;
  role: RoleName;
  color: string;
}

export type People = (speakerId: number | null) => Person;

const COLORS: Record<RoleName, string> = {
  rep: "var(--ride-rep)",
  customer: "var(--ride-customer)",
  unknown: "var(--ride-other)",
};

const NOBODY: Person = { speaker: null, label: "Unknown speaker", role: "unknown", color: COLORS.unknown };

/** `repName` is what the rep is called where nobody named the speaker. */
export function peopleOf(call: Pick<CallDetail, "speakers" | "rep_name">): People {
  const found = new Map<number, Person>();
  const sameRole = (role: RoleName) => call.speakers.filter((speaker) => speaker.role === role && !speaker.name);
  for (const speaker of call.speakers) {
    found.set(speaker.speaker_id, {
      speaker,
      label: speaker.name?.trim() || unnamed(speaker, sameRole(speaker.role), call.rep_name),
      role: speaker.role,
      color: COLORS[speaker.role],
    });
  }
  return (speakerId) => {
    if (speakerId === null) return NOBODY;
    return found.get(speakerId) ?? { ...NOBODY, label: `Speaker ${speakerId + 1}` };
  };
}

function unnamed(speaker: Speaker, alike: Speaker[], repName: string): string {
  if (speaker.role === "rep" && alike.length === 1) return repName.trim() || "Rep";
  const base = speaker.role === "rep" ? "Rep" : speaker.role === "customer" ? "Customer" : "Speaker";
  if (speaker.role !== "unknown" && alike.length === 1) return base;
  return `${base} ${alike.indexOf(speaker) + 1}`;
}
