import { useState } from "react";

/** Which rows of the list are chosen. A choice belongs to the list that it was made in. */
export function useSelection(view: string, shown: readonly string[]) {
  const [choice, setChoice] = useState<{ view: string; ids: ReadonlySet<string> }>({ view, ids: new Set() });
  const selected = choice.view === view ? choice.ids : new Set<string>();
  const choose = (ids: Iterable<string>) => setChoice({ view, ids: new Set(ids) });
  return {
    selected,
    toggle: (id: string) => {
      const next = new Set(selected);
      if (!next.delete(id)) next.add(id);
      choose(next);
    },
    toggleAll: () => choose(shown.every((id) => selected.has(id)) ? [] : shown),
    clear: () => choose([]),
  };
}
