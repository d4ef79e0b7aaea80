/** Plays spans of several calls one after the other on one audio element. */

import { type RefObject, useEffect, useRef, useState } from "react";

export interface Span {
  item_id: string;
  call_id: string;
  /** Milliseconds of call audio. */
  start_ts: number;
  end_ts: number;
}

function addressOf(span: Span): string {
  // The fragment lets the browser ask for the span's own bytes first.
  return `/v1/calls/${encodeURIComponent(span.call_id)}/audio.wav#t=${span.start_ts / 1000}`;
}

export function useThrough(audio: RefObject<HTMLAudioElement | null>, spans: readonly Span[]) {
  const [currentId, setCurrentId] = useState<string | null>(null);
  const [playing, setPlaying] = useState(false);
  const [failed, setFailed] = useState(false);
  const loaded = useRef<string | null>(null);
  // The audio element's events come between a choice and its picture: they go by this, not by the last picture.
  const heard = useRef<Span | null>(null);
  const index = currentId === null ? -1 : spans.findIndex((span) => span.item_id === currentId);
  const current = index < 0 ? null : index;

  const play = (at: number) => {
    const span = spans[at];
    const element = audio.current;
    if (span === undefined || element === null) return;
    setFailed(false);
    const within =
      span.item_id === currentId &&
      element.currentTime >= span.start_ts / 1000 &&
      element.currentTime < span.end_ts / 1000;
    setCurrentId(span.item_id);
    heard.current = span;
    if (loaded.current !== span.call_id || element.error !== null) {
      loaded.current = span.call_id;
      element.src = addressOf(span);
    }
    if (!within) element.currentTime = span.start_ts / 1000;
    element.play().catch((reason: unknown) => {
      // Another span was chosen while this one was still loading.
      if (reason instanceof DOMException && reason.name === "AbortError") return;
      setFailed(true);
    });
  };

  const pause = () => audio.current?.pause();

  // What is being heard was removed: be silent rather than play on behind everybody's back.
  useEffect(() => {
    if (currentId !== null && index < 0) {
      audio.current?.pause();
      heard.current = null;
      setCurrentId(null);
    }
  }, [audio, currentId, index]);

  const handlers = {
    onPlay: () => setPlaying(true),
    onPause: () => setPlaying(false),
    onError: () => {
      setPlaying(false);
      setFailed(true);
    },
    onTimeUpdate: () => {
      const span = heard.current;
      const element = audio.current;
      if (span === null || element === null || element.paused || element.seeking) return;
      if (element.currentTime * 1000 >= span.end_ts) next();
    },
    onEnded: () => next(),
  };

  const next = () => {
    const at = spans.findIndex((span) => span.item_id === heard.current?.item_id);
    if (at >= 0 && at + 1 < spans.length) {
      play(at + 1);
      return;
    }
    audio.current?.pause();
    heard.current = null;
    setCurrentId(null);
  };

  return { current, playing, failed, play, pause, handlers };
}
