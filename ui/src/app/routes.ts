/** The signed-in pages. Each is a chunk of its own, loaded when somebody goes there. */

import { type ComponentType, lazy } from "react";
import type { Role } from "@/api/types";

interface PageRoute {
  path: string;
  // A page takes the parameters of its own path, as text.
  // biome-ignore lint/suspicious/noExplicitAny: the router fills in what `path` names
  Page: ComponentType<any>;
}

export const pages: readonly PageRoute[] = [
  { path: "/calls", Page: lazy(() => import("@/calls/CallsPage")) },
  { path: "/calls/:callId", Page: lazy(() => import("@/call/CallPage")) },
  { path: "/search", Page: lazy(() => import("@/calls/SearchPage")) },
  { path: "/ask", Page: lazy(() => import("@/across/AskPage")) },
  { path: "/deals", Page: lazy(() => import("@/across/DealsPage")) },
  { path: "/deals/deal", Page: lazy(() => import("@/across/DealPage")) },
  { path: "/themes", Page: lazy(() => import("@/across/ThemesPage")) },
  { path: "/live", Page: lazy(() => import("@/live/LivePage")) },
  { path: "/live/:callId", Page: lazy(() => import("@/live/LiveCallPage")) },
  { path: "/team", Page: lazy(() => import("@/team/TeamPage")) },
  { path: "/playlists", Page: lazy(() => import("@/team/PlaylistsPage")) },
  { path: "/playlists/:playlistId", Page: lazy(() => import("@/team/PlaylistPage")) },
  { path: "/settings/*?", Page: lazy(() => import("@/settings/SettingsPage")) },
];

interface NavigationEntry {
  to: string;
  label: string;
  /** Who sees it. */
  from: Role;
}

export const navigation: readonly NavigationEntry[] = [
  { to: "/calls", label: "Calls", from: "rep" },
  { to: "/ask", label: "Ask", from: "rep" },
  { to: "/deals", label: "Deals", from: "rep" },
  { to: "/themes", label: "Themes", from: "rep" },
  { to: "/live", label: "Live", from: "manager" },
  { to: "/team", label: "Team", from: "manager" },
  { to: "/playlists", label: "Playlists", from: "manager" },
  { to: "/settings", label: "Settings", from: "rep" },
];
