// biome-ignore lint/suspicious/noExplicitAny: written next
export default function LiveCallPage(_: any) {
  return null;
}
