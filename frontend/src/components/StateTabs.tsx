import { useSearchParams } from "react-router";
import styles from "./StateTabs.module.css";

interface Tab {
  /** The value in the address bar; the empty string is "all". */
  value: string;
  label: string;
  count?: number;
}

interface Props {
  label: string;
  param: string;
  tabs: readonly Tab[];
}

/** A filter by state that lives in the address bar, so that a view can be shared. */
export function StateTabs({ label, param, tabs }: Props) {
  const [params, setParams] = useSearchParams();
  const current = params.get(param) ?? "";

  function choose(value: string) {
    setParams((before) => {
      const next = new URLSearchParams(before);
      if (value) next.set(param, value);
      else next.delete(param);
      return next;
    });
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would need a visible legend and a form around it
    <div className={styles.tabs} role="group" aria-label={label}>
      {tabs.map((tab) => (
        <button
          key={tab.value}
          type="button"
          className={styles.tab}
          aria-pressed={tab.value === current}
          onClick={() => choose(tab.value)}
        >
          {tab.label}
          {tab.count !== undefined && <span className={styles.count}>{tab.count}</span>}
        </button>
      ))}
    </div>
  );
}
