// biome-ignore lint/suspicious/noExplicitAny: written next
export default function TeamPage(_: any) {
  return null;
}
