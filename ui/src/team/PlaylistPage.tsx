// biome-ignore lint/suspicious/noExplicitAny: written next
export default function PlaylistPage(_: any) {
  return null;
}
