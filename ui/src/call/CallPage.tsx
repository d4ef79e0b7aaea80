import { Anchor, Button, Group } from "@mantine/core";
import type { QueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { Link } from "wouter";
import type { Comment } from "@/api/types";
import { atLeast, useSession } from "@/app/session";
import { EmptyState, ErrorState, Loading } from "@/parts/states";
import { CallHead } from "./CallHead";
import { CallRoom } from "./CallRoom";
import { CommentsPane } from "./CommentsPane";
import { MomentsPane } from "./MomentsPane";
import { ReviewPane } from "./ReviewPane";
import { readFirst, useAskedAhead, useCall, useComments, useForgottenWhile, useTranscript } from "./reading";
import { StatisticsPane } from "./StatisticsPane";
import { type CallSource, isRecorded } from "./source";

const NONE: readonly Comment[] = [];

export const ahead = (client: QueryClient, { callId = "" }: Record<string, string>) =>
  readFirst(client, { callId, share: null });

/** One call for somebody who is signed in. */
export default function CallPage({ callId }: { callId: string }) {
  const source: CallSource = { callId, share: null };
  const call = useCall(source);
  const live = call.data?.status === "live";
  const transcript = useTranscript(source, !live);
  useAskedAhead(source, call.data);
  useForgottenWhile(source, live);
  const comments = useComments(source);
  const open = useMemo(() => comments.data?.filter((one) => !one.deleted) ?? NONE, [comments.data]);
  // What is said about the call does not go away with it.
  const { error: failed, refetch } = transcript;
  const fault = useMemo(
    () => (failed === null ? null : { error: failed, retry: () => void refetch() }),
    [failed, refetch],
  );
  const { member } = useSession();
  const title = call.data?.title.trim() || "Call";
  useEffect(() => {
    document.title = `${title} · Ridealong`;
  }, [title]);
  if (call.isPending) return <Loading label="Loading the call" />;
  if (call.isError) {
    return (
      <>
        <ErrorState error={call.error} retry={() => call.refetch()} />
        <Group justify="center">
          <Anchor component={Link} href="/calls">
            To the calls
          </Anchor>
        </Group>
      </>
    );
  }
  if (call.data.status === "live") {
    return (
      <EmptyState
        title="This call is running"
        action={
          atLeast(member, "manager") && (
            <Button component={Link} href={`/live/${callId}`}>
              Follow it live
            </Button>
          )
        }
      >
        Its transcript, review and recording appear here when it ends; this page notices by itself.
      </EmptyState>
    );
  }
  const own = member.rep_id === call.data.rep_id;
  const manager = atLeast(member, "manager");
  return (
    <CallRoom
      source={source}
      call={call.data}
      transcript={transcript.data ?? null}
      fault={fault}
      comments={open}
      may={{ listen: isRecorded(call.data), talk: true, correct: manager || own, share: manager, teach: manager }}
      head={<CallHead />}
      panes={[
        { id: "review", label: "Review", Pane: ReviewPane },
        { id: "moments", label: "Moments", Pane: MomentsPane },
        { id: "comments", label: `Comments${open.length > 0 ? ` (${open.length})` : ""}`, Pane: CommentsPane },
        { id: "statistics", label: "Statistics", Pane: StatisticsPane },
      ]}
    />
  );
}
