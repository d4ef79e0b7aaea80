// biome-ignore lint/suspicious/noExplicitAny: written next
export default function SearchPage(_: any) {
  return null;
}
