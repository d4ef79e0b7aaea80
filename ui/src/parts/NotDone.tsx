import { Alert } from "@mantine/core";
import { messageOf } from "./states";

/** Below a form: what was asked for was not done, and why. Nothing while `error` is null. */
export function NotDone({ title, error }: { title: string; error: Error | null }) {
  if (error === null) return null;
  return (
    <Alert color="red" mt="sm" role="alert" title={title}>
      {messageOf(error)}
    </Alert>
  );
}
