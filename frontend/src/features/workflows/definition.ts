import type { CodeProblem } from "@/components/CodeEditor";
import type { Definition } from "./api";
import type { GraphStep } from "./components/Graph";
import { offsetOfMistake } from "./jsonMistake";
import { placeAt } from "./pointer";

export const EXAMPLE = `{
  "name": "Refresh and count",
  "nodes": [
    {
      "key": "facts",
      "job": "orders.rescore_customers",
      "args": {}
    },
    {
      "key": "segments",
      "job": "segments.recount_segment",
      "needs": ["facts"],
      "fan_out": { "over": "segments.all", "as": "segment_id" },
      "retries": 1
    }
  ]
}
`;

/** The document in the text, or why it is none. */
export function readDefinition(text: string): { definition: Definition | null; problem: CodeProblem | null } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return { definition: value as Definition, problem: null };
    }
    return { definition: null, problem: { line: 1, column: 1, message: "{ … }" } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { definition: null, problem: { ...placeAt(text, offsetOfMistake(text)), message } };
  }
}

/** What can be drawn of it already; whatever has not the right shape yet is left out. */
export function stepsOf(definition: Definition | null, titleOf: (job: string) => string): GraphStep[] {
  const nodes: unknown = definition?.nodes;
  if (!Array.isArray(nodes)) return [];
  const seen = new Set<string>();
  return nodes.flatMap((node: unknown): GraphStep[] => {
    const { key, job, needs } = (node ?? {}) as Record<string, unknown>;
    if (typeof key !== "string" || key === "" || seen.has(key)) return [];
    seen.add(key);
    return [
      {
        key,
        needs: Array.isArray(needs) ? needs.filter((need): need is string => typeof need === "string") : [],
        state: "waiting",
        title: typeof job === "string" ? titleOf(job) : "",
        detail: "",
      },
    ];
  });
}
