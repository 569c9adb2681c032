import type { NodeState } from "../api";
import styles from "./Graph.module.css";

/** A sign beside the colour, for those who tell colours apart badly. */
const SIGNS: Record<NodeState, string> = {
  waiting: "…",
  running: "▶",
  succeeded: "✓",
  failed: "✕",
  skipped: "»",
  cancelled: "–",
};

export function NodeMark({ state }: { state: NodeState }) {
  return (
    <span className={styles.mark} data-state={state} aria-hidden="true">
      {SIGNS[state]}
    </span>
  );
}
