// biome-ignore lint/suspicious/noExplicitAny: written next
export default function CallPage(_: any) {
  return null;
}
