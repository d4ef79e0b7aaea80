import { PasswordInput, type PasswordInputProps } from "@mantine/core";

type Given = Pick<PasswordInputProps, "label" | "description" | "autoComplete" | "maxLength">;

/** A secret that is written and never shown again. */
export function SecretInput({ value, change, ...rest }: Given & { value: string; change: (value: string) => void }) {
  return (
    <PasswordInput
      {...rest}
      visibilityToggleButtonProps={{ "aria-label": "Show what is typed" }}
      value={value}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}
