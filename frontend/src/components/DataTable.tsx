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
}

interface Props<Row> {
  /** Names the table for those who hear it. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => Key;
  /** Where the row leads; the first cell becomes the link and the whole row its target. */
  rowHref?: (row: Row) => string;
}

/** A table that turns into a list of cards on a narrow screen. The first column names the row. */
export function DataTable<Row>({ caption, columns, rows, rowKey, rowHref }: Props<Row>) {
  return (
    <div className={styles.scroll}>
      <table className={styles.table} role="table">
        <caption className={styles.caption}>{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
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
            <tr key={rowKey(row)} role="row" className={rowHref ? styles.linked : undefined}>
              {columns.map((column, index) => {
                const content = column.cell(row);
                const className = [
                  index === 0 ? styles.primary : styles.cell,
                  column.numeric ? styles.numeric : "",
                  column.wideOnly ? styles.wideOnly : "",
                  column.long ? styles.long : "",
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
