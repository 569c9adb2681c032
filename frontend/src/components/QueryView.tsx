import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorState } from "./ErrorState";

interface Props<T> {
  query: Pick<UseQueryResult<T>, "data" | "error" | "isFetching" | "refetch">;
  /** Shown while the first answer is awaited, in the shape of the answer. */
  skeleton: ReactNode;
  isEmpty?: (data: T) => boolean;
  empty?: ReactNode;
  children: (data: T) => ReactNode;
}

/** The four states of anything that is read: loading, error with retry, empty with a next step, data. */
export function QueryView<T>({ query, skeleton, isEmpty, empty, children }: Props<T>) {
  // Old data beats an error: a failed refresh keeps what is on screen and says so above it.
  if (query.data === undefined) {
    return query.error ? (
      <ErrorState error={query.error} retry={() => void query.refetch()} retrying={query.isFetching} />
    ) : (
      skeleton
    );
  }
  const content = isEmpty?.(query.data) ? empty : children(query.data);
  if (!query.error) return content;
  return (
    <>
      <ErrorState error={query.error} retry={() => void query.refetch()} retrying={query.isFetching} stale />
      {content}
    </>
  );
}
