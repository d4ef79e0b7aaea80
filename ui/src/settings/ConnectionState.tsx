import type { ReactNode } from "react";
import classes from "./settings.module.css";

/** One line on how a connection stands: off, set up but not tried here, tried and good, or bad. Never by colour alone. */
export function State({ state, children }: { state: "off" | "on" | "good" | "bad"; children: ReactNode }) {
  return (
    <p className={classes.state} data-state={state} role="status">
      <span className={classes.lamp} aria-hidden="true" />
      <span>{children}</span>
    </p>
  );
}
