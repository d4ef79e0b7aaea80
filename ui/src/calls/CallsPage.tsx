// biome-ignore lint/suspicious/noExplicitAny: written next
export default function CallsPage(_: any) {
  return null;
}
