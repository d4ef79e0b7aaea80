// biome-ignore lint/suspicious/noExplicitAny: written next
export default function LivePage(_: any) {
  return null;
}
