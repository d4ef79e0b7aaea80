import { syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, forceLinting, linter, lintGutter } from "@codemirror/lint";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { useComputedColorScheme } from "@mantine/core";
import { basicSetup } from "codemirror";
import { useEffect, useImperativeHandle, useRef } from "react";
import classes from "./documents.module.css";
import type { Kind, Mistake } from "./queries";

export type Checked =
  | { state: "checking" }
  | { state: "fine" }
  | { state: "wrong"; mistake: Mistake }
  /** The server could not be asked. */
  | { state: "unchecked"; message: string };

export interface EditorHandle {
  goTo(line: number): void;
  /** Check again, also when nothing was changed. */
  check(): void;
  replace(text: string): void;
}

/** What is written: a document, or the mapping of a CRM. */
export type Written = Kind | "mapping";

interface Props {
  ref: React.Ref<EditorHandle>;
  kind: Written;
  label: string;
  initial: string;
  readOnly: boolean;
  changed: (text: string) => void;
  save: () => void;
  /** The server's judgement; null when there is no mistake. */
  check: (text: string) => Promise<Mistake | null>;
  checked: (result: Checked) => void;
}

/** So long after the last key the server is asked. */
const CHECK_AFTER_MS = 500;

/** How the kind's language is coloured. It comes by itself: the text can be read and written before. */
async function languageOf(kind: Written): Promise<Extension> {
  if (kind === "template") return (await import("@codemirror/lang-liquid")).liquid();
  return (await import("@codemirror/lang-yaml")).yaml();
}

/** Colours `view` by its language as soon as that is here. */
export function colour(view: EditorView, kind: Written, language: Compartment): void {
  void languageOf(kind).then((found) => view.dispatch({ effects: language.reconfigure(found) }));
}

/** The text itself, with the server's mistakes at their lines. The text lives in here; `initial` is read once. */
export function Editor(props: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const theme = useRef(new Compartment());
  const dark = useComputedColorScheme("light") === "dark";
  // The editor outlives many pictures of this component; it must call what the last one was given.
  const now = useRef(props);
  now.current = props;

  useImperativeHandle(props.ref, () => ({
    goTo(line) {
      const editor = view.current;
      if (editor === null) return;
      const at = editor.state.doc.line(Math.min(Math.max(line, 1), editor.state.doc.lines)).from;
      editor.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      editor.focus();
    },
    check() {
      if (view.current !== null) forceLinting(view.current);
    },
    replace(text) {
      const editor = view.current;
      editor?.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
    },
  }));

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; what changes later comes through `now` and `theme`
  useEffect(() => {
    if (place.current === null) return;
    const { kind, label, initial, readOnly } = now.current;
    const language = new Compartment();
    const editor = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: initial,
        extensions: [
          keymap.of([{ key: "Mod-s", preventDefault: true, run: () => saved(now.current) }]),
          basicSetup,
          language.of([]),
          syntaxHighlighting(classHighlighter),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          EditorState.readOnly.of(readOnly),
          readOnly
            ? []
            : [
                lintGutter(),
                linter((shown) => judge(shown, now.current), { delay: CHECK_AFTER_MS }),
                EditorView.updateListener.of((update) => {
                  if (!update.docChanged) return;
                  now.current.checked({ state: "checking" });
                  now.current.changed(update.state.doc.toString());
                }),
              ],
          theme.current.of(EditorView.theme({}, { dark })),
        ],
      }),
    });
    view.current = editor;
    colour(editor, kind, language);
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, []);

  useEffect(() => {
    view.current?.dispatch({ effects: theme.current.reconfigure(EditorView.theme({}, { dark })) });
  }, [dark]);

  return <div ref={place} className={classes.editor} />;
}

function saved({ save }: Props): true {
  save();
  return true;
}

async function judge(view: EditorView, { check, checked }: Props): Promise<Diagnostic[]> {
  const document = view.state.doc;
  let mistake: Mistake | null;
  try {
    mistake = await check(document.toString());
  } catch (error) {
    if (view.state.doc === document) {
      checked({ state: "unchecked", message: error instanceof Error ? error.message : "The server does not answer." });
    }
    return [];
  }
  if (view.state.doc !== document) return [];
  if (mistake === null) {
    checked({ state: "fine" });
    return [];
  }
  checked({ state: "wrong", mistake });
  const line = document.line(Math.min(Math.max(mistake.line ?? 1, 1), document.lines));
  return [{ from: line.from, to: line.to, severity: "error", message: mistake.message }];
}
