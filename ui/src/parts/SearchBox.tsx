import { TextInput } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { type FormEvent, useEffect, useRef } from "react";
import { useLocation, useSearchParams } from "wouter";
import { Icon } from "./Icon";
import { singleKeysOn } from "./singleKeys";

/** Search over all calls, from every page. `/` goes there. */
export function SearchBox() {
  const input = useRef<HTMLInputElement>(null);
  const [location, navigate] = useLocation();
  const [search] = useSearchParams();
  // What was looked for stays in the field, to be changed a little and asked again.
  const asked = location === "/search" ? (search.get("q") ?? "") : "";
  useEffect(() => {
    if (input.current !== null) input.current.value = asked;
  }, [asked]);
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
