import { useLocalStorage } from "@mantine/hooks";

/** Whether shortcuts of one character are on; whoever speaks to the computer turns them off (WCAG 2.1.4). */
export function useSingleKeys(): [boolean, (on: boolean) => void] {
  const [on, setOn] = useLocalStorage({
    key: "ridealong-single-keys",
    defaultValue: true,
    getInitialValueInEffect: false,
  });
  return [on, setOn];
}
