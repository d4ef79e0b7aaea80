// biome-ignore lint/suspicious/noExplicitAny: written next
export default function SettingsPage(_: any) {
  return null;
}
