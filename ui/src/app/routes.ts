/** The signed-in pages. Each is a chunk of its own, loaded when somebody goes there. */

import type { Role } from "@/api/types";
import { LazyPage } from "./LazyPage";

interface PageRoute {
  path: string;
  page: LazyPage;
}

export const pages: readonly PageRoute[] = [
  { path: "/calls", page: new LazyPage(() => import("@/calls/CallsPage")) },
  { path: "/calls/:callId", page: new LazyPage(() => import("@/call/CallPage")) },
  { path: "/search", page: new LazyPage(() => import("@/calls/SearchPage")) },
  { path: "/ask", page: new LazyPage(() => import("@/across/AskPage")) },
  { path: "/deals", page: new LazyPage(() => import("@/across/DealsPage")) },
  { path: "/deals/deal", page: new LazyPage(() => import("@/across/DealPage")) },
  { path: "/themes", page: new LazyPage(() => import("@/across/ThemesPage")) },
  { path: "/live", page: new LazyPage(() => import("@/live/LivePage")) },
  { path: "/live/:callId", page: new LazyPage(() => import("@/live/LiveCallPage")) },
  { path: "/team", page: new LazyPage(() => import("@/team/TeamPage")) },
  { path: "/playlists", page: new LazyPage(() => import("@/team/PlaylistsPage")) },
  { path: "/playlists/:playlistId", page: new LazyPage(() => import("@/team/PlaylistPage")) },
  { path: "/settings/*?", page: new LazyPage(() => import("@/settings/SettingsPage")) },
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
