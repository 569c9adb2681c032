// biome-ignore-all lint/a11y/noRedundantRoles: on a narrow screen CSS lays the table out as a grid, which would take its roles away
import type { Key, ReactNode } from "react";
import { Link } from "react-router";
import styles from "./DataTable.module.css";

export interface Column<Row> {
  key: string;
  header: string;
  cell: (row: Row) => ReactNode;
  /** Right-aligned with tabular figures. */
  numeric?: boolean;
  /** Left out of the list that a narrow screen shows. */
  wideOnly?: boolean;
  /** Takes a whole line of that list: sentences, bars. */
  long?: boolean;
  /** Stands in the upper corner of the row in that list: a menu of actions. */
  corner?: boolean;
}

interface Props<Row> {
  /** Names the table for those who hear it. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => Key;
  /** Where the row leads; the first cell becomes the link and the whole row its target. */
  rowHref?: (row: Row) => string;
  /** Rows that can be chosen for an action on several. */
  selection?: Selection<Row>;
  /** Rows that no longer matter are shown faintly. */
  isFaint?: (row: Row) => boolean;
}

interface Selection<Row> {
  selected: ReadonlySet<Key>;
  onToggle: (row: Row) => void;
  /** Rows without it have no box. */
  canSelect?: (row: Row) => boolean;
  /** Both, or rows are chosen one by one. */
  onToggleAll?: () => void;
  labelOfAll?: string;
  /** What a row's box chooses, for those who hear it. */
  labelOf: (row: Row) => string;
}

/** A table that turns into a list of cards on a narrow screen. The first column names the row. */
export function DataTable<Row>({ caption, columns, rows, rowKey, rowHref, selection, isFaint }: Props<Row>) {
  const chosen = selection ? rows.filter((row) => selection.selected.has(rowKey(row))).length : 0;
  return (
    <div className={styles.scroll}>
      <table className={styles.table} role="table">
        <caption className={styles.caption}>{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {selection && (
              <th role="columnheader" scope="col" className={styles.choice}>
                {selection.onToggleAll && (
                  <input
                    type="checkbox"
                    aria-label={selection.labelOfAll}
                    checked={rows.length > 0 && chosen === rows.length}
                    ref={(box) => {
                      if (box) box.indeterminate = chosen > 0 && chosen < rows.length;
                    }}
                    onChange={selection.onToggleAll}
                  />
                )}
              </th>
            )}
            {columns.map((column) => (
              <th
                key={column.key}
                role="columnheader"
                scope="col"
                className={column.numeric ? styles.numeric : undefined}
              >
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr
              key={rowKey(row)}
              role="row"
              className={rowHref ? styles.linked : undefined}
              data-selected={selection?.selected.has(rowKey(row)) || undefined}
              data-faint={isFaint?.(row) || undefined}
            >
              {selection && (
                <td role="cell" className={styles.choice}>
                  {(selection.canSelect?.(row) ?? true) && (
                    <input
                      type="checkbox"
                      aria-label={selection.labelOf(row)}
                      checked={selection.selected.has(rowKey(row))}
                      onChange={() => selection.onToggle(row)}
                    />
                  )}
                </td>
              )}
              {columns.map((column, index) => {
                const content = column.cell(row);
                const className = [
                  index === 0 ? styles.primary : styles.cell,
                  column.numeric ? styles.numeric : "",
                  column.wideOnly ? styles.wideOnly : "",
                  column.long ? styles.long : "",
                  column.corner ? styles.corner : "",
                ].join(" ");
                if (index > 0) {
                  return (
                    <td
                      key={column.key}
                      role="cell"
                      className={className}
                      data-label={column.header}
                      data-none={content === "–" || undefined}
                    >
                      {content}
                    </td>
                  );
                }
                return (
                  <th key={column.key} role="rowheader" scope="row" className={className}>
                    {rowHref ? (
                      <Link to={rowHref(row)} className={styles.link}>
                        {content}
                      </Link>
                    ) : (
                      content
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
