/** The browser's own sockets, clocks and requests, as the delivery wants them. */

import type { Surroundings, Wire } from "./delivery";

export function browserSurroundings(): Surroundings {
  return {
    connect(): Wire {
      const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/capture`);
      const wire: Wire = {
        onopen: null,
        onmessage: null,
        onclose: null,
        get bufferedAmount() {
          return socket.bufferedAmount;
        },
        send: (data) => socket.send(data),
        close: () => socket.close(),
      };
      socket.onopen = () => wire.onopen?.();
      socket.onmessage = (message) => wire.onmessage?.(message);
      socket.onclose = () => wire.onclose?.();
      return wire;
    },
    now: () => Date.now(),
    random: () => Math.random(),
    later(ms, work) {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
    async audioMs(callId, callToken) {
      // By the call's own token: it is good for this call even when nobody is signed in any more.
      const answer = await fetch(`/v1/calls/${encodeURIComponent(callId)}`, {
        headers: { Authorization: `Bearer ${callToken}` },
        credentials: "omit",
        cache: "no-store",
      });
      if (answer.status === 401 || answer.status === 403 || answer.status === 404) return null;
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const call: { audio_ms?: unknown } = await answer.json();
      return typeof call.audio_ms === "number" ? call.audio_ms : null;
    },
  };
}
