/** A value beside React: whoever watches a part of it renders again only when that part changes. */

import { useSyncExternalStore } from "react";

export class Held<T> {
  private readonly watchers = new Set<() => void>();

  constructor(private value: T) {}

  readonly get = (): T => this.value;

  set(value: T): void {
    this.value = value;
    for (const watcher of this.watchers) watcher();
  }

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
}

export function useHeld<T, S>(held: Held<T>, select: (value: T) => S): S {
  return useSyncExternalStore(held.subscribe, () => select(held.get()));
}
