import { TextInput } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { type FormEvent, useRef } from "react";
import { useLocation } from "wouter";
import { Icon } from "./Icon";
import { singleKeysOn } from "./singleKeys";

/** Search over all calls, from every page. `/` goes there. */
export function SearchBox() {
  const input = useRef<HTMLInputElement>(null);
  const [, navigate] = useLocation();
  const pressed = (event: KeyboardEvent) => {
    if (!singleKeysOn()) return;
    event.preventDefault();
    input.current?.focus();
  };
  useHotkeys([["/", pressed, { preventDefault: false }]]);
  function submit(event: FormEvent) {
    event.preventDefault();
    const text = input.current?.value.trim();
    if (text) navigate(`/search?q=${encodeURIComponent(text)}`);
  }
  return (
    <search style={{ flex: 1, minWidth: 0, maxWidth: 420, marginInlineStart: "auto" }}>
      <form onSubmit={submit}>
        <TextInput
          aria-label="Search what was said"
          ref={input}
          type="search"
          maxLength={500}
          placeholder="Search what was said ( / )"
          leftSection={<Icon name="search" size={16} />}
        />
      </form>
    </search>
  );
}
