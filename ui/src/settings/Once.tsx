import { Alert, Button, Code, CopyButton, Group, Stack, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import classes from "./settings.module.css";

interface Props {
  title: string;
  /** What to do with it, and that it cannot be seen again. */
  about: string;
  secret: string;
  done: () => void;
}

/** A secret that the server tells only once. It stays until somebody says that it is kept. */
export function Once({ title, about, secret, done }: Props) {
  const box = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new secret is a new thing to look at
  useEffect(() => box.current?.focus(), [secret]);
  return (
    <Alert ref={box} tabIndex={-1} title={title} role="alert">
      <Stack gap="xs">
        <Text size="sm">{about}</Text>
        <Code block className={classes.secret ?? ""}>
          {secret}
        </Code>
        <Group>
          <CopyButton value={secret}>
            {({ copied, copy }) => (
              <Button size="xs" onClick={copy}>
                {copied ? "Copied" : "Copy"}
              </Button>
            )}
          </CopyButton>
          <Button size="xs" variant="default" onClick={done}>
            I have kept it
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
