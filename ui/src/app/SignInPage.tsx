// biome-ignore lint/suspicious/noExplicitAny: written next
export default function SignInPage(_: any) {
  return null;
}
