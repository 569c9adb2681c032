import { QueryClient } from "@tanstack/react-query";
import { asApiError } from "@/lib/api/errors";

/** Two quiet tries for what may pass (a restart of the API), none for what a person must change. */
const MAX_RETRIES = 2;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) => failures < MAX_RETRIES && asApiError(error).mayPass,
      },
    },
  });
}
