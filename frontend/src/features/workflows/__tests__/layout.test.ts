import { expect, test } from "vitest";
import { type GraphNode, layersOf, layOut, NODE_HEIGHT, NODE_WIDTH, pathOf } from "../layout";

const graph = (edges: Record<string, string[]>): GraphNode[] =>
  Object.entries(edges).map(([key, needs]) => ({ key, needs }));

test("a node stands one layer behind the last that it needs", () => {
  const layers = layersOf(graph({ d: ["c", "a"], c: ["b"], b: ["a"], a: [], x: [] }));
  expect(Object.fromEntries(layers)).toEqual({ a: 0, b: 1, c: 2, d: 3, x: 0 });
});

test("a circle and a need that is not there do not hang the drawing", () => {
  const layout = layOut(graph({ a: ["b"], b: ["a"], c: ["nowhere"] }));
  expect(layout.nodes).toHaveLength(3);
  expect(layout.edges).toHaveLength(1);
  expect(layOut([])).toMatchObject({ nodes: [], edges: [] });
});

test("no two nodes cover each other", () => {
  const keys = Array.from({ length: 24 }, (_, index) => `n${index}`);
  const { nodes } = layOut(
    keys.map((key, index) => ({
      key,
      needs: keys.slice(0, index).filter((_, other) => (index + other) % 5 === 0),
    })),
  );
  for (const [index, a] of nodes.entries()) {
    for (const b of nodes.slice(index + 1)) {
      expect(Math.abs(a.x - b.x) >= NODE_WIDTH || Math.abs(a.y - b.y) >= NODE_HEIGHT).toBe(true);
    }
  }
});

test("an edge over a layer runs between its nodes, not through them", () => {
  const { nodes, edges } = layOut(graph({ a: [], b: ["a"], c: ["b", "a"] }));
  const b = nodes.find((node) => node.key === "b");
  const long = edges.find((edge) => edge.from === "a" && edge.to === "c");
  expect(long?.points).toHaveLength(4);
  const y = long?.points[1]?.y ?? 0;
  expect(y < (b?.y ?? 0) || y > (b?.y ?? 0) + NODE_HEIGHT).toBe(true);
});

test("neighbours are ordered so that edges do not cross without need", () => {
  const { nodes } = layOut(graph({ a: [], b: [], c: ["b"], d: ["a"] }));
  const row = (key: string) => nodes.find((node) => node.key === key)?.row ?? -1;
  expect(row("a") < row("b")).toBe(row("d") < row("c"));
});

test("a line leaves and arrives level", () => {
  expect(
    pathOf([
      { x: 0, y: 0 },
      { x: 10, y: 20 },
    ]),
  ).toBe("M0,0 C5,0 5,20 10,20");
});
