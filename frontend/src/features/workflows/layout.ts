/**
 * Where the nodes of a graph stand and how its edges run: layers by longest path, fewer crossings by the middle of
 * the neighbours, edges over several layers led between the nodes.
 */

export interface GraphNode {
  key: string;
  needs: readonly string[];
}

export interface Point {
  x: number;
  y: number;
}

export interface PlacedNode extends Point {
  key: string;
  layer: number;
  row: number;
}

export interface PlacedEdge {
  from: string;
  to: string;
  points: readonly Point[];
}

export interface Layout {
  nodes: readonly PlacedNode[];
  edges: readonly PlacedEdge[];
  width: number;
  height: number;
}

export const NODE_WIDTH = 164;
export const NODE_HEIGHT = 60;
const GAP_X = 28;
const GAP_Y = 20;
/** A bend takes less room than a node. */
const BEND_HEIGHT = 16;
const SWEEPS = 4;

/** The length of the longest way to each node. A need that is not there, or one that closes a circle, is passed over. */
export function layersOf(nodes: readonly GraphNode[]): Map<string, number> {
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  const layers = new Map<string, number>();
  const onTheWay = new Set<string>();
  const visit = (key: string): number => {
    const known = layers.get(key);
    if (known !== undefined) return known;
    onTheWay.add(key);
    const before = (byKey.get(key)?.needs ?? []).filter((need) => byKey.has(need) && !onTheWay.has(need));
    const layer = before.reduce((deepest, need) => Math.max(deepest, visit(need) + 1), 0);
    onTheWay.delete(key);
    layers.set(key, layer);
    return layer;
  };
  for (const node of nodes) visit(node.key);
  return layers;
}

/** A node, or the bend of an edge that passes a layer. */
interface Stop {
  id: string;
  isBend: boolean;
  before: string[];
  after: string[];
}

interface Route {
  from: string;
  to: string;
  stops: string[];
}

function lay(nodes: readonly GraphNode[], layers: Map<string, number>) {
  const columns: Stop[][] = Array.from({ length: Math.max(0, ...layers.values()) + 1 }, () => []);
  const stops = new Map<string, Stop>();
  const put = (id: string, layer: number, isBend: boolean) => {
    const stop: Stop = { id, isBend, before: [], after: [] };
    stops.set(id, stop);
    columns[layer]?.push(stop);
  };
  for (const node of nodes) put(node.key, layers.get(node.key) ?? 0, false);
  const routes: Route[] = [];
  for (const node of nodes) {
    const end = layers.get(node.key) ?? 0;
    for (const need of node.needs) {
      const start = layers.get(need);
      if (start === undefined || start >= end) continue;
      const chain = [need];
      for (let layer = start + 1; layer < end; layer += 1) {
        const id = `${need}\u0000${node.key}\u0000${layer}`;
        put(id, layer, true);
        chain.push(id);
      }
      chain.push(node.key);
      chain.slice(1).forEach((id, index) => {
        const previous = chain[index] as string;
        stops.get(previous)?.after.push(id);
        stops.get(id)?.before.push(previous);
      });
      routes.push({ from: need, to: node.key, stops: chain });
    }
  }
  return { columns, routes };
}

/** Orders each column by the mean place of its neighbours, forwards and back in turn. */
function untangle(columns: Stop[][]) {
  const rank = new Map<string, number>();
  const note = (column: Stop[]) => {
    for (const [index, stop] of column.entries()) rank.set(stop.id, index / column.length);
  };
  columns.forEach(note);
  const sort = (column: Stop[], side: "before" | "after") => {
    const middle = (stop: Stop) => {
      const places = stop[side].map((id) => rank.get(id) ?? 0);
      return places.length > 0
        ? places.reduce((sum, place) => sum + place, 0) / places.length
        : (rank.get(stop.id) ?? 0);
    };
    const middles = new Map(column.map((stop) => [stop.id, middle(stop)]));
    column.sort((a, b) => (middles.get(a.id) ?? 0) - (middles.get(b.id) ?? 0));
    note(column);
  };
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isForward = sweep % 2 === 0;
    for (const column of isForward ? columns : [...columns].reverse()) {
      sort(column, isForward ? "before" : "after");
    }
  }
}

export function layOut(nodes: readonly GraphNode[]): Layout {
  const layers = layersOf(nodes);
  const { columns, routes } = lay(nodes, layers);
  untangle(columns);
  const size = (stop: Stop) => (stop.isBend ? BEND_HEIGHT : NODE_HEIGHT);
  const heightOf = (column: Stop[]) =>
    column.reduce((sum, stop) => sum + size(stop), 0) + Math.max(0, column.length - 1) * GAP_Y;
  const height = Math.max(NODE_HEIGHT, ...columns.map(heightOf));
  const centres = new Map<string, Point & { isBend: boolean }>();
  const placed: PlacedNode[] = [];
  columns.forEach((column, layer) => {
    let y = (height - heightOf(column)) / 2;
    const x = layer * (NODE_WIDTH + GAP_X);
    let row = 0;
    for (const stop of column) {
      centres.set(stop.id, { x, y: y + size(stop) / 2, isBend: stop.isBend });
      if (!stop.isBend) {
        placed.push({ key: stop.id, x, y, layer, row });
        row += 1;
      }
      y += size(stop) + GAP_Y;
    }
  });
  const edges = routes.map(({ from, to, stops }) => ({
    from,
    to,
    points: stops.flatMap((id, index): Point[] => {
      const at = centres.get(id);
      if (!at) return [];
      if (index === 0) return [{ x: at.x + NODE_WIDTH, y: at.y }];
      if (index === stops.length - 1) return [{ x: at.x, y: at.y }];
      return [
        { x: at.x, y: at.y },
        { x: at.x + NODE_WIDTH, y: at.y },
      ];
    }),
  }));
  return { nodes: placed, edges, width: columns.length * (NODE_WIDTH + GAP_X) - GAP_X, height };
}

/** A smooth line through the points, level where it leaves and arrives. */
export function pathOf(points: readonly Point[]): string {
  return points
    .map((point, index) => {
      const before = points[index - 1];
      if (!before) return `M${point.x},${point.y}`;
      const middle = (before.x + point.x) / 2;
      return `C${middle},${before.y} ${middle},${point.y} ${point.x},${point.y}`;
    })
    .join(" ");
}
