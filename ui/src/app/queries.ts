import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/api/client";

/** The pages' one cache. Only what may succeed later is asked again. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        refetchOnWindowFocus: false,
        retry: (failures, error) => failures < 2 && error instanceof ApiError && error.retry && error.status !== 404,
      },
      mutations: { retry: false },
    },
  });
}
