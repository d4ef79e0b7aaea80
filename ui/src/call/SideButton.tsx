import { Icon } from "@/parts/Icon";
import classes from "./ClaimCard.module.css";

interface SideButtonProps {
  icon: "up" | "down";
  word: string;
  /** Who says so, one a line's end. */
  who: readonly string[];
  mine: boolean;
  disabled: boolean;
  onClick: () => void;
}

/** One of two opinions, with how many have it. No component of the library: an hour's call has hundreds of these. */
export function SideButton({ icon, word, who, mine, disabled, onClick }: SideButtonProps) {
  const all = who.join("\n");
  return (
    <button
      type="button"
      className={classes.tool}
      disabled={disabled}
      onClick={onClick}
      aria-pressed={mine}
      aria-label={who.length > 0 ? `${word}, ${who.length} so far: ${all}` : word}
      title={all ? `${word}:\n${all}` : word}
    >
      <Icon name={icon} size={15} />
      {who.length > 0 && <span aria-hidden="true">{who.length}</span>}
    </button>
  );
}
