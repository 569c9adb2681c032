import { useCallback, useState } from "react";

/** A preference of this browser (not of the shop); falls back to memory where storage is blocked, as in some iframes. */
export function usePersistentFlag(key: string): [boolean, (value: boolean) => void] {
  const [value, setValue] = useState(() => {
    try {
      return localStorage.getItem(key) === "1";
    } catch {
      return false;
    }
  });
  const store = useCallback(
    (next: boolean) => {
      setValue(next);
      try {
        localStorage.setItem(key, next ? "1" : "0");
      } catch {
        // Storage is blocked: the choice lasts until the page is left.
      }
    },
    [key],
  );
  return [value, store];
}
