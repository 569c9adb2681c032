/** How many campaigns fit side by side. */
export const MIN_COMPARED = 2;
export const MAX_COMPARED = 5;

const PARAM = "campaign";

export function comparePath(ids: readonly string[]): string {
  return `/campaigns/compare?${new URLSearchParams(ids.map((id) => [PARAM, id]))}`;
}

export function comparedIn(params: URLSearchParams): string[] {
  return [...new Set(params.getAll(PARAM))].slice(0, MAX_COMPARED);
}
