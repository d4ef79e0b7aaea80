/** Which call a page shows and how it may be read: as somebody signed in, or with a share link. */

import { withQuery } from "@/api/client";
import type { CallDetail } from "@/api/types";

export interface CallSource {
  callId: string;
  /** The token of a share link; null for somebody who is signed in. */
  share: string | null;
}

/** Whether there is something to hear: a call that came as a transcript has a length and no sound. */
export function isRecorded(call: Pick<CallDetail, "audio_ms" | "format">): boolean {
  return call.audio_ms > 0 && call.format.encoding !== "transcript";
}

/** The address of something of the call, with the link's token where there is one. */
export function addressOf(source: CallSource, part: string, query: Record<string, string | number> = {}): string {
  return withQuery(`/v1/calls/${source.callId}${part}`, { ...query, share: source.share });
}
