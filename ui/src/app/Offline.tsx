import { onlineManager } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import classes from "./Shell.module.css";

const subscribe = (changed: () => void) => onlineManager.subscribe(changed);
const online = () => onlineManager.isOnline();

/** While the device has no network, questions and changes wait and nothing else would say why. */
export function Offline() {
  const here = useSyncExternalStore(subscribe, online);
  return (
    <div aria-live="polite">
      {!here && (
        <p className={classes.offline}>
          You are offline. What you see may be older; what you ask for and change waits, and goes on by itself.
        </p>
      )}
    </div>
  );
}
