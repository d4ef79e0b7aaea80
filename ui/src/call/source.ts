/** Which call a page shows and how it may be read: as somebody signed in, or with a share link. */

import { withQuery } from "@/api/client";

export interface CallSource {
  callId: string;
  /** The token of a share link; null for somebody who is signed in. */
  share: string | null;
}

/** The address of something of the call, with the link's token where there is one. */
export function addressOf(source: CallSource, part: string, query: Record<string, string | number> = {}): string {
  return withQuery(`/v1/calls/${source.callId}${part}`, { ...query, share: source.share });
}
