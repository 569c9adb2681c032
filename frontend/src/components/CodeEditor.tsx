import { useId, useRef } from "react";
import styles from "./CodeEditor.module.css";

export interface CodeProblem {
  line: number;
  column: number;
  message: string;
}

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  problems: readonly CodeProblem[];
  /** Words for a problem's place, such as "Line 3, column 7". */
  placeOf: (problem: CodeProblem) => string;
  readOnly?: boolean;
  /** Told where the caret is, whenever it moves. */
  onCaret?: (offset: number) => void;
}

function offsetOf(text: string, { line, column }: CodeProblem): number {
  const lines = text.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return before + Math.min(Math.max(0, column - 1), lines[line - 1]?.length ?? 0);
}

/** Source with line numbers and problems at their place; a click on a problem goes there. Tab leaves, as in any field. */
export function CodeEditor({ label, value, onChange, problems, placeOf, readOnly = false, onCaret }: Props) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const lineCount = value.split("\n").length;
  const wrong = new Set(problems.map((problem) => problem.line));

  function goTo(problem: CodeProblem) {
    const element = area.current;
    if (!element) return;
    const offset = offsetOf(value, problem);
    element.focus();
    element.setSelectionRange(offset, offset + 1);
    element.scrollTop = (problem.line - 4) * Number.parseFloat(getComputedStyle(element).lineHeight || "18");
  }

  return (
    <div>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      <div className={styles.editor} data-wrong={problems.length > 0 || undefined}>
        <div ref={gutter} className={styles.gutter} aria-hidden="true">
          {Array.from({ length: lineCount }, (_, index) => index + 1).map((line) => (
            <span key={line} data-wrong={wrong.has(line) || undefined}>
              {line}
            </span>
          ))}
        </div>
        <textarea
          ref={area}
          id={id}
          className={styles.area}
          value={value}
          readOnly={readOnly}
          spellCheck={false}
          autoCapitalize="off"
          wrap="off"
          aria-invalid={problems.length > 0}
          aria-describedby={`${id}-problems`}
          onChange={(event) => onChange(event.target.value)}
          onSelect={(event) => onCaret?.(event.currentTarget.selectionStart)}
          onScroll={(event) => {
            if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
          }}
        />
      </div>
      <div id={`${id}-problems`} role="status">
        {problems.length > 0 && (
          <ul className={styles.problems}>
            {problems.map((problem) => (
              <li key={`${problem.line}:${problem.column}:${problem.message}`}>
                <button type="button" onClick={() => goTo(problem)}>
                  {placeOf(problem)}
                </button>
                : {problem.message}
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
