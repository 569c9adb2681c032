import { useEffect, useState } from "react";
import { useNavigation, useSearchParams } from "react-router";
import { useDebounced } from "./useDebounced";

const TYPING_MS = 300;

/**
 * A search that lives in the address bar as `q`, written there when typing rests.
 * Who follows a link before that is on the way out: writing the address then would call the navigation off.
 */
export function useSearchInAddress() {
  const [params, setParams] = useSearchParams();
  const q = params.get("q") ?? "";
  const [text, setText] = useState(q);
  const settled = useDebounced(text.trim(), TYPING_MS);
  const leaving = useNavigation().state !== "idle";
  useEffect(() => {
    if (leaving || settled === q) return;
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (settled) next.set("q", settled);
        else next.delete("q");
        return next;
      },
      { replace: true },
    );
  }, [settled, q, leaving, setParams]);
  return { q, text, setText };
}
