/** Unsaved texts, kept while the browser's tab is open: going to another page, or reloading, must not cost any work. */

function keyOf(member: string, kind: string, name: string): string {
  return `ridealong draft ${member} ${kind} ${name}`;
}

export function readDraft(member: string, kind: string, name: string): string | null {
  try {
    return sessionStorage.getItem(keyOf(member, kind, name));
  } catch {
    return null;
  }
}

/** Keep `text`, or forget what was kept when it is null. */
export function keepDraft(member: string, kind: string, name: string, text: string | null): void {
  try {
    if (text === null) sessionStorage.removeItem(keyOf(member, kind, name));
    else sessionStorage.setItem(keyOf(member, kind, name), text);
  } catch {
    // A browser that keeps nothing: the text is still in the editor.
  }
}
