import { syntaxHighlighting } from "@codemirror/language";
import { unifiedMergeView } from "@codemirror/merge";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { Text, useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import classes from "./documents.module.css";
import { colour } from "./Editor";
import type { Kind } from "./queries";

interface Props {
  kind: Kind;
  label: string;
  before: string;
  after: string;
}

/** Two texts in one: what went away, and what came. Lines that stayed the same are folded together. */
export function Diff({ kind, label, before, after }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const dark = useComputedColorScheme("light") === "dark";
  const same = before === after;

  useEffect(() => {
    if (place.current === null || same) return;
    const language = new Compartment();
    const editor = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: after,
        extensions: [
          lineNumbers(),
          language.of([]),
          syntaxHighlighting(classHighlighter),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          EditorState.readOnly.of(true),
          EditorView.theme({}, { dark }),
          unifiedMergeView({
            original: before,
            mergeControls: false,
            gutter: true,
            collapseUnchanged: { margin: 3, minSize: 6 },
          }),
        ],
      }),
    });
    colour(editor, kind, language);
    return () => editor.destroy();
  }, [kind, label, before, after, same, dark]);

  if (same) return <Text c="dimmed">There is no difference.</Text>;
  return <div ref={place} className={classes.editor} data-testid="diff" />;
}
