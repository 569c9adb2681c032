import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";

/** Names by id: staff comes and goes slowly. */
export const peopleQuery = queryOptions({
  queryKey: ["people"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/people", { signal })),
  select: ({ items }) => new Map(items.map(({ id, name }) => [id, name])),
  staleTime: 300_000,
});
