// biome-ignore lint/suspicious/noExplicitAny: written next
export default function JoinPage(_: any) {
  return null;
}
