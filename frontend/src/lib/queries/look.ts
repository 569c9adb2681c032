import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/lib/api/client";

/** The look of the shop's messages, with what stands in for what nobody has set. */
export const lookQuery = queryOptions({
  queryKey: ["brand"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/brand", { signal })),
});
