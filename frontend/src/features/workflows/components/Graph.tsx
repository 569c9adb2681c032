import { type CSSProperties, type KeyboardEvent, useMemo, useRef } from "react";
import { Link } from "react-router";
import { useI18n } from "@/i18n/useI18n";
import type { NodeState } from "../api";
import { type Layout, layOut, NODE_HEIGHT, NODE_WIDTH, type Point, pathOf } from "../layout";
import styles from "./Graph.module.css";
import { NodeMark } from "./NodeMark";

export interface GraphStep {
  key: string;
  needs: readonly string[];
  state: NodeState;
  /** What it does. */
  title: string;
  /** How far it is, in a few words. */
  detail: string;
}

interface Props {
  label: string;
  steps: readonly GraphStep[];
  selected: string | null;
  hrefOf: (key: string) => string;
}

const MARGIN = 8;

/** Read by the style sheet on wide screens only. */
function size(width: number, height: number, place?: Point): CSSProperties {
  return {
    "--sc-width": `${width}px`,
    "--sc-height": `${height}px`,
    ...(place ? { "--sc-x": `${place.x + MARGIN}px`, "--sc-y": `${place.y + MARGIN}px` } : {}),
  } as CSSProperties;
}

/** Arrow keys follow the edges and walk up and down a layer. */
function neighbour(layout: Layout, key: string, pressed: string): string | undefined {
  const here = layout.nodes.find((node) => node.key === key);
  if (!here) return undefined;
  if (pressed === "ArrowRight") return layout.edges.find((edge) => edge.from === key)?.to;
  if (pressed === "ArrowLeft") return layout.edges.find((edge) => edge.to === key)?.from;
  const step = pressed === "ArrowDown" ? 1 : pressed === "ArrowUp" ? -1 : 0;
  if (step === 0) return undefined;
  return layout.nodes.find((node) => node.layer === here.layer && node.row === here.row + step)?.key;
}

/** The graph, left to right. On a narrow screen it is a list in the order of its steps. */
export function Graph({ label, steps, selected, hrefOf }: Props) {
  const { t } = useI18n();
  const box = useRef<HTMLDivElement>(null);
  // News about states moves nothing: only other nodes or edges do.
  const shape = JSON.stringify(steps.map(({ key, needs }) => ({ key, needs })));
  const layout = useMemo(() => layOut(JSON.parse(shape)), [shape]);
  const byKey = new Map(steps.map((step) => [step.key, step]));
  const inOrder = [...layout.nodes].sort((a, b) => a.layer - b.layer || a.row - b.row);

  function walk(event: KeyboardEvent, key: string) {
    const next = neighbour(layout, key, event.key);
    if (!next) return;
    event.preventDefault();
    box.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(next)}"]`)?.focus();
  }

  return (
    <div className={styles.scroll} ref={box}>
      <div className={styles.canvas} style={size(layout.width + 2 * MARGIN, layout.height + 2 * MARGIN)}>
        <svg
          className={styles.edges}
          viewBox={`${-MARGIN} ${-MARGIN} ${layout.width + 2 * MARGIN} ${layout.height + 2 * MARGIN}`}
          aria-hidden="true"
        >
          {layout.edges.map((edge) => (
            <path
              key={`${edge.from} ${edge.to}`}
              className={styles.edge}
              d={pathOf(edge.points)}
              data-done={byKey.get(edge.from)?.state === "succeeded" || undefined}
              data-chosen={edge.from === selected || edge.to === selected || undefined}
            />
          ))}
        </svg>
        <ol className={styles.nodes} aria-label={label}>
          {inOrder.map((place) => {
            const step = byKey.get(place.key);
            if (!step) return null;
            const needs = step.needs.length > 0 ? t("workflows.needs", { keys: step.needs.join(", ") }) : "";
            return (
              <li key={step.key} className={styles.place} style={size(NODE_WIDTH, NODE_HEIGHT, place)}>
                <Link
                  to={hrefOf(step.key)}
                  replace
                  preventScrollReset
                  className={styles.node}
                  data-key={step.key}
                  data-state={step.state}
                  aria-current={step.key === selected || undefined}
                  onKeyDown={(event) => walk(event, step.key)}
                >
                  <NodeMark state={step.state} />
                  <span className={styles.words}>
                    <span className={styles.key}>{step.key}</span>
                    <span className={styles.heard}>{t(`node_state.${step.state}`)}</span>
                    <span className={styles.title}>{step.detail || step.title}</span>
                    {needs && <span className={styles.needs}>{needs}</span>}
                  </span>
                </Link>
              </li>
            );
          })}
        </ol>
      </div>
    </div>
  );
}
