// biome-ignore lint/suspicious/noExplicitAny: written next
export default function SharedPage(_: any) {
  return null;
}
