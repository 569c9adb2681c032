import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";

/** Customers by name or address, for switching the person whom a preview is rendered for. */
export function customersQuery(search: string) {
  return queryOptions({
    queryKey: ["customers", "search", search],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/customers", { params: { query: search ? { search } : {} }, signal })),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
}
