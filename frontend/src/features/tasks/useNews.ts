import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useJobsStream } from "@/features/health/useJobsStream";

/** Lists are read again this long after their last answer at the earliest, however much happens. */
const LIST_MS = 4_000;

/** The stream, and the query read again when it says that something changed. */
export function useNews({ refetch, dataUpdatedAt }: Pick<UseQueryResult, "refetch" | "dataUpdatedAt">) {
  const stream = useJobsStream();
  const revision = stream.snapshot?.revision;
  // What was just read is fresh: only news makes it old.
  const readAt = useRef(dataUpdatedAt);
  readAt.current = dataUpdatedAt;
  useEffect(() => {
    if (revision === undefined || readAt.current === 0) return;
    const timer = setTimeout(() => void refetch(), Math.max(0, LIST_MS - (Date.now() - readAt.current)));
    return () => clearTimeout(timer);
  }, [revision, refetch]);
  return stream;
}
