import { Button, Loader } from "@mantine/core";
import { ErrorState } from "@/parts/states";
import classes from "./across.module.css";
import { OfCall } from "./Hearing";
import { type SpeakerNamed, type ThemeMoment, useMomentsBehind } from "./queries";
import { Said } from "./Said";

/** What a count stands for: each moment plays. */
export function MomentsBehind({ ids }: { ids: readonly string[] }) {
  const found = useMomentsBehind(ids);
  if (found.isPending) return <Loader type="dots" size="sm" role="status" aria-label="Loading the moments" />;
  if (found.isError) return <ErrorState error={found.error} retry={() => found.refetch()} />;
  const moments = found.data.pages.flatMap((page) => page.moments);
  return (
    <>
      {moments.length === 0 && <p className={classes.quiet}>These calls were erased meanwhile.</p>}
      <MomentList moments={moments} speakers={found.data.pages.flatMap((page) => page.speakers)} />
      {found.hasNextPage && (
        <Button variant="default" size="xs" onClick={() => found.fetchNextPage()} loading={found.isFetchingNextPage}>
          Show more ({moments.length} of {ids.length})
        </Button>
      )}
    </>
  );
}

export function MomentList({
  moments,
  speakers,
}: {
  moments: readonly ThemeMoment[];
  speakers: readonly SpeakerNamed[];
}) {
  return (
    <ul className={classes.moments}>
      {moments.map((moment) => (
        <li key={moment.moment_id} data-moment={moment.moment_id}>
          <OfCall call={moment.call} revision={moment.revision} speakers={speakers}>
            <Said
              by={moment.moment_id}
              call={moment.call}
              evidence={moment}
              revision={moment.revision}
              item={{ moment_id: moment.moment_id }}
            />
          </OfCall>
        </li>
      ))}
    </ul>
  );
}
