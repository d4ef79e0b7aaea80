import { Button, Group, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { QueryClient } from "@tanstack/react-query";
import { atLeast, useSession } from "@/app/session";
import { plural } from "@/parts/format";
import { Page } from "@/parts/Page";
import { EmptyState, ErrorState, Loading } from "@/parts/states";
import { CallFilters } from "./CallFilters";
import { CallTable } from "./CallTable";
import { queryOf, useFilters } from "./filters";
import { callsOf, useCalls } from "./reading";

export const ahead = (client: QueryClient) =>
  client.prefetchInfiniteQuery(callsOf(queryOf(new URLSearchParams(location.search))));

/** All calls, newest first: filter, sort, go on. */
export default function CallsPage() {
  const filters = useFilters();
  const { member } = useSession();
  const found = useCalls(filters.query);
  const [opened, { toggle }] = useDisclosure(filters.count > 0);
  const rows = found.data?.pages.flatMap((page) => page.calls) ?? [];
  const total = found.data?.pages[0]?.total ?? 0;
  return (
    <Page
      title="Calls"
      wide
      aside={
        <Group gap="sm">
          <Text c="dimmed" size="sm" role="status">
            {found.data ? plural(total, "call") : ""}
          </Text>
          <Button
            variant={filters.count > 0 ? "light" : "default"}
            onClick={toggle}
            aria-expanded={opened}
            aria-controls="call-filters"
          >
            {filters.count > 0 ? `Filters (${filters.count})` : "Filters"}
          </Button>
        </Group>
      }
    >
      <div id="call-filters" hidden={!opened}>
        {opened && <CallFilters filters={filters} />}
      </div>
      {found.isPending && <Loading label="Loading the calls" />}
      {found.isError && <ErrorState error={found.error} retry={() => found.refetch()} />}
      {found.data && rows.length === 0 && filters.count > 0 && (
        <EmptyState
          title="No call matches these filters"
          action={
            <Button variant="default" onClick={filters.clear}>
              Clear the filters
            </Button>
          }
        >
          Widen the dates or the scores, or clear the filters to see every call.
        </EmptyState>
      )}
      {found.data && rows.length === 0 && filters.count === 0 && (
        <EmptyState
          title="No calls yet"
          action={
            <Button component="a" href="/rep">
              Record a call
            </Button>
          }
        >
          {atLeast(member, "manager")
            ? "As soon as a rep records one, it appears here while it runs, and its review a few seconds after it ends."
            : "Record your first call on your phone or here. Its review appears a few seconds after it ends."}
        </EmptyState>
      )}
      {rows.length > 0 && <CallTable rows={rows} filters={filters} />}
      {found.hasNextPage && (
        <Group justify="center" mt="md">
          <Button variant="default" onClick={() => found.fetchNextPage()} loading={found.isFetchingNextPage}>
            Show more ({rows.length} of {total})
          </Button>
        </Group>
      )}
    </Page>
  );
}
