import { useLocalStorage } from "@mantine/hooks";

const KEY = "ridealong-single-keys";

/** The same, read when a key is pressed: a page that opens does not wait for its local storage. */
export function singleKeysOn(): boolean {
  try {
    return localStorage.getItem(KEY) !== "false";
  } catch {
    return true;
  }
}

/** Whether shortcuts of one character are on; whoever speaks to the computer turns them off (WCAG 2.1.4). */
export function useSingleKeys(): [boolean, (on: boolean) => void] {
  const [on, setOn] = useLocalStorage({
    key: KEY,
    defaultValue: true,
    getInitialValueInEffect: false,
  });
  return [on, setOn];
}
