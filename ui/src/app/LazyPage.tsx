/** A page in a file of its own, that can be had ahead: what is there already is shown at once, without a wait in between. */

import type { QueryClient } from "@tanstack/react-query";
import { type ComponentType, lazy, useState } from "react";

// A page takes the parameters of its own path, as text.
// biome-ignore lint/suspicious/noExplicitAny: the router fills in what the path names
type Component = ComponentType<any>;

interface PageModule {
  default: Component;
  /** Reads what the page shows first, where it is opened by its address. Never fails: the page itself tells of it. */
  ahead?: (client: QueryClient, parameters: Record<string, string>) => Promise<unknown>;
}

export class LazyPage {
  private there: PageModule | undefined;
  private readonly waiting = lazy(() => this.load());

  constructor(private readonly ask: () => Promise<PageModule>) {}

  async load(): Promise<PageModule> {
    this.there ??= await this.ask();
    return this.there;
  }

  get component(): Component {
    return this.there?.default ?? this.waiting;
  }
}

export function PageView({ page, parameters }: { page: LazyPage; parameters: object }) {
  // Once for as long as it stands: another component in its place would begin anew.
  const [Shown] = useState<Component>(() => page.component);
  return <Shown {...parameters} />;
}
