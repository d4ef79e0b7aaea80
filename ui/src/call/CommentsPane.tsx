import { Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { Comment } from "@/api/types";
import { atLeast, useSession } from "@/app/session";
import { clock, dateTime } from "@/parts/format";
import { usePosition } from "@/parts/player";
import { EmptyState, ErrorState, Loading, messageOf } from "@/parts/states";
import classes from "./CommentsPane.module.css";
import { useCallView } from "./context";
import { useCommenting, useComments } from "./reading";

const MOST = 4000;

/** What people say to each other about the call, each at its second. */
export function CommentsPane() {
  const { source, player } = useCallView();
  const comments = useComments(source);
  const { add } = useCommenting(source);
  const second = usePosition(player, (ms) => Math.floor(ms / 1000));
  if (comments.isPending) return <Loading label="Loading the comments" />;
  if (comments.isError) return <ErrorState error={comments.error} retry={() => comments.refetch()} />;
  const first = comments.data.filter((one) => one.reply_to === null).sort((a, b) => a.at_ts - b.at_ts);
  return (
    <Stack gap="md" p="md">
      <Writing
        label={`Comment at ${clock(second * 1000)}`}
        submit="Comment"
        placeholder="What should the rep hear here?"
        send={(text) => add.mutateAsync({ at_ts: player.now, text })}
      />
      {first.length === 0 && (
        <EmptyState title="No comments yet">
          Play to the place you mean and write: the comment stays at that second, and whoever reads it hears what you
          heard.
        </EmptyState>
      )}
      {first.map((one) => (
        <Thread key={one.comment_id} first={one} replies={repliesOf(one, comments.data)} />
      ))}
    </Stack>
  );
}

/** All answers below a comment, also those to an answer, in the order they were written. */
function repliesOf(first: Comment, all: readonly Comment[]): Comment[] {
  const inside = new Set([first.comment_id]);
  const found: Comment[] = [];
  for (const one of [...all].sort((a, b) => a.at.localeCompare(b.at))) {
    if (one.reply_to !== null && inside.has(one.reply_to)) {
      inside.add(one.comment_id);
      found.push(one);
    }
  }
  return found;
}

function Thread({ first, replies }: { first: Comment; replies: readonly Comment[] }) {
  const { source, player, may } = useCallView();
  const { add } = useCommenting(source);
  const [replying, setReplying] = useState(false);
  return (
    <article className={classes.thread}>
      <Group gap="xs">
        {may.listen ? (
          <Button variant="light" size="compact-sm" onClick={() => player.playFrom(first.at_ts)}>
            {clock(first.at_ts)}
          </Button>
        ) : (
          <Text size="sm">{clock(first.at_ts)}</Text>
        )}
      </Group>
      <Said comment={first} />
      {replies.map((reply) => (
        <div key={reply.comment_id} className={classes.reply}>
          <Said comment={reply} />
        </div>
      ))}
      {replying ? (
        <Writing
          label="Your reply"
          submit="Reply"
          autoFocus
          cancel={() => setReplying(false)}
          send={async (text) => {
            await add.mutateAsync({ at_ts: first.at_ts, text, reply_to: first.comment_id });
            setReplying(false);
          }}
        />
      ) : (
        <Button variant="subtle" size="compact-sm" onClick={() => setReplying(true)} style={{ justifySelf: "start" }}>
          Reply
        </Button>
      )}
    </article>
  );
}

function Said({ comment }: { comment: Comment }) {
  const { source } = useCallView();
  const { member } = useSession();
  const { remove } = useCommenting(source);
  const may = !comment.deleted && (comment.by.member_id === member.member_id || atLeast(member, "admin"));
  return (
    <div>
      <Group gap="xs" justify="space-between" wrap="nowrap">
        <Text size="sm" truncate>
          <b>{comment.by.name}</b>{" "}
          <Text component="span" size="xs" c="dimmed">
            {dateTime(comment.at)}
          </Text>
        </Text>
        {may && (
          <Button
            variant="subtle"
            color="gray"
            size="compact-xs"
            loading={remove.isPending}
            onClick={() => remove.mutate(comment.comment_id)}
            aria-label={`Delete the comment of ${comment.by.name} at ${clock(comment.at_ts)}`}
          >
            Delete
          </Button>
        )}
      </Group>
      <p className={classes.text} data-deleted={comment.deleted || undefined}>
        {comment.deleted ? "This comment was deleted." : comment.text}
      </p>
      {remove.isError && (
        <Text size="sm" c="var(--ride-bad)" role="alert">
          {messageOf(remove.error)}
        </Text>
      )}
    </div>
  );
}

function Writing({
  label,
  submit,
  send,
  cancel,
  placeholder,
  autoFocus = false,
}: {
  label: string;
  submit: string;
  send: (text: string) => Promise<unknown>;
  cancel?: () => void;
  placeholder?: string;
  autoFocus?: boolean;
}) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  async function sending(event: FormEvent) {
    event.preventDefault();
    if (!text.trim() || busy) return;
    setBusy(true);
    setError(null);
    try {
      await send(text.trim());
      setText("");
    } catch (reason) {
      setError(messageOf(reason));
    } finally {
      setBusy(false);
    }
  }
  return (
    <form onSubmit={sending}>
      <Textarea
        label={label}
        placeholder={placeholder}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void sending(event);
          if (event.key === "Escape") cancel?.();
        }}
        maxLength={MOST}
        autosize
        minRows={2}
        autoFocus={autoFocus}
        error={error}
      />
      <Group gap="xs" mt={6} justify="flex-end">
        {cancel && (
          <Button variant="subtle" size="compact-sm" onClick={cancel}>
            Cancel
          </Button>
        )}
        <Button type="submit" size="compact-sm" loading={busy} disabled={!text.trim()}>
          {submit}
        </Button>
      </Group>
    </form>
  );
}
