/** Where each run of a family stands: ancestors left, descendants right, a parent at the middle of its children. */
import type { FamilyNode } from "@/lib/api/jobTypes";

/** More brothers of one kind and state than this are drawn as one. */
const SHOWN_ALIKE = 5;

export interface Member {
  id: string;
  node: FamilyNode;
  /** How many runs this one stands for. */
  count: number;
  /** Names a group that can be unfolded. */
  group: string | null;
  children: Member[];
}

export interface Placed extends Member {
  column: number;
  row: number;
}

function alike(node: FamilyNode): string {
  return `${node.parent_id ?? ""}|${node.name}|${node.state}`;
}

/** The family as trees. Runs whose parent is not among them are roots. */
export function treesOf(
  nodes: readonly FamilyNode[],
  unfolded: ReadonlySet<string>,
  current: string,
): Member[] {
  const known = new Set(nodes.map((node) => node.id));
  const parents = new Set(nodes.map((node) => node.parent_id));
  const sorted = [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1));
  const leaves = sorted.filter((node) => !parents.has(node.id) && node.id !== current);
  const crowds = new Map<string, FamilyNode[]>();
  for (const node of leaves) crowds.set(alike(node), [...(crowds.get(alike(node)) ?? []), node]);
  const folded = (node: FamilyNode) => {
    const crowd = crowds.get(alike(node)) ?? [];
    return crowd.length > SHOWN_ALIKE && !unfolded.has(alike(node)) && crowd.includes(node) ? crowd : null;
  };

  function below(parent: string | null): Member[] {
    return sorted
      .filter((node) => {
        const own = node.parent_id && known.has(node.parent_id) ? node.parent_id : null;
        return own === parent && node.id !== parent;
      })
      .flatMap((node): Member[] => {
        const crowd = folded(node);
        if (!crowd) return [{ id: node.id, node, count: 1, group: null, children: below(node.id) }];
        if (crowd[0] !== node) return [];
        return [{ id: alike(node), node, count: crowd.length, group: alike(node), children: [] }];
      });
  }
  return below(null);
}

export function place(trees: readonly Member[]): Placed[] {
  const placed: Placed[] = [];
  let nextRow = 0;
  function put(member: Member, column: number): number {
    const rows = member.children.map((child) => put(child, column + 1));
    const row = rows.length === 0 ? nextRow++ : ((rows[0] ?? 0) + (rows.at(-1) ?? 0)) / 2;
    placed.push({ ...member, column, row });
    return row;
  }
  for (const tree of trees) put(tree, 0);
  return placed;
}
