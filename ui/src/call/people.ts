/** What each speaker of a call is called and coloured. */

import type { CallDetail, RoleName, Speaker } from "@/api/types";

export interface Person {
  speaker: Speaker | null;
  label: string;
  role: RoleName;
  color: string;
}

export type People = (speakerId: number | null) => Person;

/** What a speaker's name and colour are made of. */
export type NamedSpeaker = Pick<Speaker, "speaker_id" | "role" | "name">;

export const COLORS: Record<RoleName, string> = {
  rep: "var(--ride-rep)",
  customer: "var(--ride-customer)",
  unknown: "var(--ride-other)",
};

const NOBODY: Person = { speaker: null, label: "Unknown speaker", role: "unknown", color: COLORS.unknown };

/** `repName` is what the rep is called where nobody named the speaker. */
export function peopleOf(call: Pick<CallDetail, "speakers" | "rep_name">): People {
  const found = new Map<number, Person>();
  for (const speaker of call.speakers) {
    found.set(speaker.speaker_id, {
      speaker,
      label: labelOf(speaker, call.speakers, call.rep_name),
      role: speaker.role,
      color: COLORS[speaker.role],
    });
  }
  return (speakerId) => {
    if (speakerId === null) return NOBODY;
    return found.get(speakerId) ?? stranger(speakerId);
  };
}

/** Somebody of whom nothing is known but that it is always the same one. */
export function stranger(speakerId: number): Person {
  return { ...NOBODY, label: `Speaker ${speakerId + 1}` };
}

/** The name that was given to a speaker, else one that tells this one from the others of the call. */
export function labelOf(speaker: NamedSpeaker, all: readonly NamedSpeaker[], repName: string): string {
  const alike = all.filter((other) => other.role === speaker.role && !other.name);
  return speaker.name?.trim() || unnamed(speaker, alike, repName);
}

function unnamed(speaker: NamedSpeaker, alike: readonly NamedSpeaker[], repName: string): string {
  if (speaker.role === "rep" && alike.length === 1) return repName.trim() || "Rep";
  const base = speaker.role === "rep" ? "Rep" : speaker.role === "customer" ? "Customer" : "Speaker";
  if (speaker.role !== "unknown" && alike.length === 1) return base;
  return `${base} ${alike.indexOf(speaker) + 1}`;
}
