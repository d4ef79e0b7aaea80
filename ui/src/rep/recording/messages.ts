/** What is said on the capture socket (docs/protocol.md), as far as a phone needs it. */

export interface Evidence {
  utterance_no: number;
  speaker_id: number;
  start_ts: number;
  end_ts: number;
  quote: string;
}

export type CallEvent =
  | { event: "nudge"; seq: number; moment_id: string; type: string; text: string; haptic: string }
  | { event: "message"; seq: number; text: string; from: string }
  | { event: "utterance"; seq: number; no: number; speaker_id: number | null; role: string; text: string }
  | { event: "role"; seq: number; speaker_id: number; role: string; source: string }
  | { event: "moment"; seq: number; moment_id: string; type: string; tier: string; nudge: string | null }
  | { event: "gap"; seq: number; at_ts: number; duration_ms: number; reason: string }
  | { event: "mark"; seq: number; at_ts: number }
  | { event: "warning"; seq?: number; code: string; message: string }
  | { event: "ended"; seq: number; audio_ms: number; reason: string };

export type SocketMessage =
  | { type: "started"; call_id: string; call_token: string; received: number }
  | { type: "resumed"; call_id: string; received: number; seq: number }
  | { type: "ack"; received: number }
  | { type: "pong"; id?: number | string | null; received: number }
  | { type: "missed"; count: number; after: number }
  | { type: "error"; code: string; message: string; retry: boolean; received?: number };

export type ServerMessage = SocketMessage | CallEvent;

/** The message, or null for what this app does not know: a newer server may say more. */
export function readMessage(text: string): ServerMessage | null {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === "object" && message !== null && ("type" in message || "event" in message)
      ? (message as ServerMessage)
      : null;
  } catch {
    return null;
  }
}
