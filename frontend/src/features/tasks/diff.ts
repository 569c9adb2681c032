/** What changed between two tries' errors, line by line. */

export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
}

/** Tracebacks are a few dozen lines; beyond this the table of the comparison would cost more than it tells. */
const LINES_COMPARED = 400;

/** The longest common subsequence keeps its place; the rest was taken out or put in. */
export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.split("\n").slice(0, LINES_COMPARED);
  const b = after.split("\n").slice(0, LINES_COMPARED);
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  const at = (row: number, column: number) => lengths[row * width + column] ?? 0;
  for (let row = a.length - 1; row >= 0; row -= 1) {
    for (let column = b.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        a[row] === b[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const lines: DiffLine[] = [];
  let [row, column] = [0, 0];
  while (row < a.length || column < b.length) {
    if (row < a.length && column < b.length && a[row] === b[column]) {
      lines.push({ kind: "same", text: a[row] ?? "" });
      row += 1;
      column += 1;
    } else if (column >= b.length || (row < a.length && at(row + 1, column) >= at(row, column + 1))) {
      lines.push({ kind: "removed", text: a[row] ?? "" });
      row += 1;
    } else {
      lines.push({ kind: "added", text: b[column] ?? "" });
      column += 1;
    }
  }
  return lines;
}
