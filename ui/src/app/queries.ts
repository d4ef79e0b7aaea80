import { QueryCache, QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/api/client";

/** The pages' one cache. Only what may succeed later is asked again. */
export function makeQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        // The session ended while the page was open: asking who is signed in brings the sign-in page.
        if (error instanceof ApiError && error.status === 401 && query.queryKey[0] !== "session") {
          void client.invalidateQueries({ queryKey: ["session"] });
        }
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => failures < 2 && error instanceof ApiError && error.retry && error.status !== 404,
      },
      mutations: { retry: false },
    },
  });
  return client;
}
