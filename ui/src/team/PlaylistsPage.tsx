// biome-ignore lint/suspicious/noExplicitAny: written next
export default function PlaylistsPage(_: any) {
  return null;
}
