import { Group, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { ApiError, request } from "@/api/client";
import type { SharedCall } from "@/api/types";
import { ThemeButton } from "@/app/Shell";
import { clock, dateTime } from "@/parts/format";
import { EmptyState, ErrorState, Loading } from "@/parts/states";
import classes from "./CallPage.module.css";
import { CallRoom } from "./CallRoom";
import { MomentsPane } from "./MomentsPane";
import { ReviewPane } from "./ReviewPane";
import { useCall, useTranscript } from "./reading";
import { StatisticsPane } from "./StatisticsPane";
import { isRecorded } from "./source";

const NO_COMMENTS: never[] = [];

/** What somebody with a link sees, without an account and without changing anything. */
export default function SharedPage({ token }: { token: string }) {
  const shared = useQuery({
    queryKey: ["shared", token],
    queryFn: () => request<SharedCall>("GET", `/v1/shared/${encodeURIComponent(token)}`),
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    document.title = "A shared call · Ridealong";
  }, []);
  if (shared.isPending) return <Loading label="Opening the link" />;
  if (shared.isError) {
    if (shared.error instanceof ApiError && shared.error.status < 500 && shared.error.status > 0) {
      return (
        <main>
          <EmptyState title="This link no longer works">
            It has expired, or whoever made it took it back. Ask them for a new one.
          </EmptyState>
        </main>
      );
    }
    return <ErrorState error={shared.error} retry={() => shared.refetch()} page />;
  }
  return (
    <main>
      <Opened token={token} shared={shared.data} />
    </main>
  );
}

function Opened({ token, shared }: { token: string; shared: SharedCall }) {
  const source = { callId: shared.call.call_id, share: token };
  const whole = shared.scope === "call";
  const call = useCall(source);
  const transcript = useTranscript(source, whole);
  if (call.isPending) return <Loading label="Loading the call" />;
  if (call.isError) return <ErrorState error={call.error} retry={() => call.refetch()} page />;
  if (transcript.isError) return <ErrorState error={transcript.error} retry={() => transcript.refetch()} page />;
  return (
    <CallRoom
      source={source}
      call={call.data}
      transcript={transcript.data ?? null}
      comments={NO_COMMENTS}
      may={{ listen: shared.audio && isRecorded(call.data), talk: false, correct: false, share: false, teach: false }}
      head={
        <header className={classes.head}>
          <div className={classes.titles}>
            <Title order={1} size="h3" className={classes.title}>
              {call.data.title.trim() || "Call without a title"}
            </Title>
            <Text size="sm" c="dimmed">
              {call.data.rep_name} · {dateTime(call.data.started_at)} · {clock(call.data.audio_ms)}
            </Text>
          </div>
          <Group gap="xs" className={classes.actions}>
            <Text size="sm" c="dimmed">
              Shared until {dateTime(shared.expires_at)}
            </Text>
            <ThemeButton />
          </Group>
        </header>
      }
      withTranscript={whole}
      panes={[
        { id: "review", label: "Review", Pane: ReviewPane },
        ...(whole
          ? [
              { id: "moments", label: "Moments", Pane: MomentsPane },
              { id: "statistics", label: "Statistics", Pane: StatisticsPane },
            ]
          : []),
      ]}
    />
  );
}
