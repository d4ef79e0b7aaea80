/** One audio element and what a page needs to know of it. Positions are whole milliseconds of call audio. */

import { useEffect, useRef, useState, useSyncExternalStore } from "react";

export interface PlayerState {
  src: string;
  playing: boolean;
  /** The stretch that was asked for and where playing stops, null when the call simply goes on. */
  range: { start: number; end: number } | null;
  rate: number;
  failed: boolean;
}

type Frame = (ms: number) => void;

const IDLE: PlayerState = { src: "", playing: false, range: null, rate: 1, failed: false };

export class Player {
  readonly audio = document.createElement("audio");
  private state: PlayerState = IDLE;
  private readonly watchers = new Set<() => void>();
  private readonly frames = new Set<Frame>();
  private ticking = 0;
  /** Where to begin, and whether to play, as soon as the file's header is there. */
  private pending: { ms: number; play: boolean } | null = null;

  constructor() {
    const { audio } = this;
    // Only the header and what is played are asked for: the server answers byte ranges.
    audio.preload = "metadata";
    audio.addEventListener("play", this.playing);
    audio.addEventListener("pause", this.paused);
    audio.addEventListener("ended", this.paused);
    audio.addEventListener("seeking", this.show);
    audio.addEventListener("loadedmetadata", this.ready);
    audio.addEventListener("error", () => this.change({ failed: this.state.src !== "", playing: false }));
  }

  get now(): number {
    return this.pending?.ms ?? Math.round(this.audio.currentTime * 1000);
  }

  readonly snapshot = (): PlayerState => this.state;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** `frame` hears the position at every painted frame while the call plays, and after every jump. */
  onFrame(frame: Frame): () => void {
    this.frames.add(frame);
    frame(this.now);
    return () => this.frames.delete(frame);
  }

  load(src: string): void {
    if (src === this.state.src) return;
    this.pending = null;
    this.change({ src, range: null, failed: false, playing: false });
    this.audio.src = src;
  }

  /** Play a stretch from its first millisecond and stop at its end. */
  playRange(start: number, end: number): void {
    this.change({ range: { start, end } });
    this.jump(start);
    this.start();
  }

  playFrom(ms: number): void {
    this.change({ range: null });
    this.jump(ms);
    this.start();
  }

  /** Move without starting or stopping. */
  seek(ms: number): void {
    this.change({ range: null });
    this.jump(ms);
  }

  toggle(): void {
    if (this.idle) this.start();
    else this.pause();
  }

  pause(): void {
    if (this.pending) this.pending.play = false;
    this.audio.pause();
  }

  /** Neither playing nor about to. */
  get idle(): boolean {
    return this.audio.paused && !this.pending?.play;
  }

  setRate(rate: number): void {
    this.audio.playbackRate = rate;
    this.change({ rate });
  }

  /** End the element's life; the player cannot be used any more. */
  dispose(): void {
    cancelAnimationFrame(this.ticking);
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
    this.audio.remove();
    this.state = IDLE;
    this.watchers.clear();
    this.frames.clear();
  }

  private jump(ms: number): void {
    const to = Math.max(0, ms);
    if (this.audio.readyState >= HTMLMediaElement.HAVE_METADATA) {
      this.audio.currentTime = to / 1000;
      return;
    }
    // Before the header is there a browser plays from the beginning first, and jumps then.
    this.pending = { ms: to, play: this.pending?.play ?? false };
    this.show();
  }

  private start(): void {
    if (this.state.failed) {
      this.pending = { ms: this.now, play: true };
      this.change({ failed: false });
      this.audio.load();
      return;
    }
    if (this.audio.readyState < HTMLMediaElement.HAVE_METADATA) {
      this.pending = { ms: this.now, play: true };
      return;
    }
    // A refusal (no gesture, no audio) arrives as `error`, or the button simply stays on "play".
    this.audio.play().catch(() => undefined);
  }

  private readonly ready = (): void => {
    const { pending } = this;
    this.pending = null;
    if (!pending) return;
    this.audio.currentTime = pending.ms / 1000;
    if (pending.play) this.start();
  };

  private readonly playing = (): void => {
    this.change({ playing: true });
    cancelAnimationFrame(this.ticking);
    const tick = () => {
      const { range } = this.state;
      if (range && this.audio.currentTime * 1000 >= range.end) {
        this.audio.pause();
        this.change({ range: null });
      }
      this.show();
      if (!this.audio.paused) this.ticking = requestAnimationFrame(tick);
    };
    this.ticking = requestAnimationFrame(tick);
  };

  private readonly paused = (): void => {
    this.change({ playing: false });
    this.show();
  };

  private readonly show = (): void => {
    const { now } = this;
    for (const frame of this.frames) frame(now);
  };

  private change(part: Partial<PlayerState>): void {
    this.state = { ...this.state, ...part };
    for (const watcher of this.watchers) watcher();
  }
}

/** A player for as long as the component lives. */
export function useNewPlayer(): Player {
  const [player, setPlayer] = useState(() => new Player());
  const disposed = useRef(false);
  useEffect(() => {
    // Development mounts everything twice: what was disposed is made anew.
    if (disposed.current) {
      disposed.current = false;
      setPlayer(new Player());
    }
    return () => {
      disposed.current = true;
    };
  }, []);
  useEffect(() => () => player.dispose(), [player]);
  return player;
}

export function usePlayerState(player: Player): PlayerState {
  return useSyncExternalStore(player.subscribe, player.snapshot);
}

/** A value derived from the position: the component renders again only when the value changes. */
export function usePosition<T>(player: Player, derive: (ms: number) => T): T {
  const latest = useRef(derive);
  latest.current = derive;
  return useSyncExternalStore(
    (changed) => player.onFrame(changed),
    () => latest.current(player.now),
  );
}
