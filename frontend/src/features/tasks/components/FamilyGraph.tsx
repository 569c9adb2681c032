import { BlockStack, Card, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { type MouseEvent, useState } from "react";
import { Link, useNavigate } from "react-router";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { Family } from "@/lib/api/jobTypes";
import { familyQuery } from "../api";
import { type Member, place, treesOf } from "../familyLayout";
import { jobTitle } from "../words";
import styles from "./FamilyGraph.module.css";

const NODE = { width: 196, height: 44 };
const GAP = { x: 44, y: 12 };
const MARGIN = 4;

/** The runs that this one came from, stands beside and has started. */
export function FamilyGraph({ id }: { id: string }) {
  const { t } = useI18n();
  const query = useQuery(familyQuery(id));
  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {t("task.family")}
        </Text>
        <QueryView
          query={query}
          skeleton={<TableSkeleton rows={3} />}
          isEmpty={(family) => family.nodes.length < 2}
          empty={
            <Text as="p" tone="subdued">
              {t("task.no_family")}
            </Text>
          }
        >
          {(family) => <Drawing id={id} family={family} />}
        </QueryView>
      </BlockStack>
    </Card>
  );
}

function Drawing({ id, family }: { id: string; family: Family }) {
  const { t } = useI18n();
  const navigate = useNavigate();
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const trees = treesOf(family.nodes, unfolded, id);
  const placed = place(trees);
  const byId = new Map(placed.map((one) => [one.id, one]));
  const x = (column: number) => MARGIN + column * (NODE.width + GAP.x);
  const y = (row: number) => MARGIN + row * (NODE.height + GAP.y);
  const width = x(Math.max(0, ...placed.map((one) => one.column))) + NODE.width + MARGIN;
  const height = y(Math.max(0, ...placed.map((one) => one.row))) + NODE.height + MARGIN;
  const unfold = (group: string) => setUnfolded(new Set([...unfolded, group]));

  function words(member: Member): string {
    const title = jobTitle(t, member.node);
    return member.count > 1 ? t("task.family_crowd", { count: member.count, title }) : title;
  }

  function open(event: MouseEvent, member: Member) {
    if (event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    if (member.group) unfold(member.group);
    else void navigate(`/tasks/${member.id}`);
  }

  const listed = (members: readonly Member[]) => (
    <ul>
      {members.map((member) => (
        <li key={member.id}>
          {member.group ? (
            <button type="button" onClick={() => unfold(member.group ?? "")}>
              {words(member)}
            </button>
          ) : (
            <Link to={`/tasks/${member.id}`} aria-current={member.id === id ? "page" : undefined}>
              {words(member)}
            </Link>
          )}{" "}
          · {t(`run_state.${member.node.state}`)}
          {member.children.length > 0 && listed(member.children)}
        </li>
      ))}
    </ul>
  );

  return (
    <BlockStack gap="200">
      <Text as="p" variant="bodySm" tone="subdued">
        {t(family.truncated ? "task.family_cut" : "task.family_size", { count: family.nodes.length })}
      </Text>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div className={styles.graph} tabIndex={0}>
        {/* biome-ignore lint/a11y/useSemanticElements: a drawing of links, which no fieldset is */}
        <svg width={width} height={height} role="group" aria-label={t("task.family")}>
          {placed.flatMap((parent) =>
            parent.children.map((child) => {
              const to = byId.get(child.id);
              if (!to) return null;
              const [x1, y1] = [x(parent.column) + NODE.width, y(parent.row) + NODE.height / 2];
              const [x2, y2] = [x(to.column), y(to.row) + NODE.height / 2];
              const middle = (x1 + x2) / 2;
              return (
                <path
                  key={child.id}
                  className={styles.edge}
                  d={`M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`}
                />
              );
            }),
          )}
          {[...placed]
            .sort((a, b) => a.column - b.column || a.row - b.row)
            .map((member) => {
              const title = words(member);
              return (
                <a
                  key={member.id}
                  href={member.group ? "#" : `/tasks/${member.id}`}
                  className={styles.node}
                  data-state={member.node.state}
                  data-current={member.id === id || undefined}
                  aria-current={member.id === id ? "page" : undefined}
                  onClick={(event) => open(event, member)}
                >
                  <rect
                    className={styles.box}
                    x={x(member.column)}
                    y={y(member.row)}
                    width={NODE.width}
                    height={NODE.height}
                    rx={8}
                  />
                  <foreignObject
                    x={x(member.column)}
                    y={y(member.row)}
                    width={NODE.width}
                    height={NODE.height}
                  >
                    <div className={styles.words}>
                      <div className={styles.name} title={title}>
                        {title}
                      </div>
                      <div className={styles.state}>{t(`run_state.${member.node.state}`)}</div>
                    </div>
                  </foreignObject>
                </a>
              );
            })}
        </svg>
      </div>
      <div className={styles.list}>{listed(trees)}</div>
    </BlockStack>
  );
}
