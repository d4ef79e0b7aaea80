// biome-ignore lint/suspicious/noExplicitAny: written next
export default function SetupPage(_: any) {
  return null;
}
