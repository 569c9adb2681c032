import { Icon } from "@shopify/polaris";
import { SearchIcon } from "@shopify/polaris-icons";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useId, useRef, useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import type { Suggestion } from "@/lib/api/jobTypes";
import { useDebounced } from "@/lib/useDebounced";
import { suggestQuery } from "../api";
import { tokenAt, tokensOf, withoutToken, withTokens } from "../search";
import { hintInWords } from "../words";
import styles from "./SearchField.module.css";

const HINTS_SHOWN = 10;
const TYPING_MS = 120;

interface Props {
  q: string;
  setQ: (q: string) => void;
  /** What the API found wrong with the search, in words. */
  problem: string | undefined;
}

/** Searching runs: each qualifier becomes a tag; hints follow the caret and answer to arrows and Enter. */
export function SearchField({ q, setQ, problem }: Props) {
  const { t } = useI18n();
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const asked = useDebounced(`${caret}|${text}`, TYPING_MS);
  const [askedCaret, askedText] = [Number.parseInt(asked, 10), asked.slice(asked.indexOf("|") + 1)];
  // The list that somebody walks through with the arrows stays until the next one is there.
  const query = useQuery({
    ...suggestQuery(askedText, askedCaret),
    enabled: open,
    placeholderData: keepPreviousData,
  });
  const hints = (open && query.data?.items.slice(0, HINTS_SHOWN)) || [];

  function commit(line: string) {
    setText("");
    setCaret(0);
    setActive(-1);
    setOpen(false);
    if (line.trim()) setQ(withTokens(q, line));
  }

  function take(hint: Suggestion) {
    const { start, end } = tokenAt(text, caret);
    const line = text.slice(0, start) + hint.text + text.slice(end);
    input.current?.focus();
    // A bare qualifier still wants its value.
    if (!/[:.]$/.test(hint.text)) return commit(line);
    setText(line);
    setCaret(start + hint.text.length);
    setActive(-1);
  }

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>) {
    const hint = hints[active];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      // One place more than there are hints: the field itself, where nothing is chosen.
      const places = hints.length + 1;
      setActive(((active + 1 + step + places) % places) - 1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (hint) take(hint);
      else commit(text);
    } else if (event.key === "Tab" && hint && open) {
      event.preventDefault();
      take(hint);
    } else if (event.key === "Escape") {
      if (open) event.preventDefault();
      setOpen(false);
      setActive(-1);
    } else if (event.key === "Backspace" && text === "") {
      const last = tokensOf(q).at(-1);
      if (last) setQ(withoutToken(q, last));
    }
  }

  return (
    <div className={styles.search}>
      <div className={styles.box}>
        <span className={styles.icon}>
          <Icon source={SearchIcon} tone="subdued" />
        </span>
        {tokensOf(q).map((token) => (
          <Token key={token} token={token} onRemove={() => setQ(withoutToken(q, token))} />
        ))}
        <input
          ref={input}
          className={styles.input}
          type="search"
          role="combobox"
          aria-label={t("runs.search")}
          aria-expanded={hints.length > 0}
          aria-controls={`${id}-hints`}
          aria-autocomplete="list"
          aria-invalid={problem !== undefined}
          {...(problem === undefined ? {} : { "aria-describedby": `${id}-problem` })}
          {...(hints[active] ? { "aria-activedescendant": `${id}-${active}` } : {})}
          autoComplete="off"
          spellCheck={false}
          placeholder={q ? "" : t("runs.search_hint")}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setCaret(event.target.selectionStart ?? event.target.value.length);
            setActive(-1);
            setOpen(true);
          }}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={onKeyDown}
        />
        <span className={styles.key} aria-hidden="true">
          /
        </span>
      </div>
      {problem !== undefined && (
        <p id={`${id}-problem`} className={styles.wrong} role="alert">
          {problem}
        </p>
      )}
      <div
        id={`${id}-hints`}
        role="listbox"
        aria-label={t("runs.hints")}
        className={styles.hints}
        hidden={hints.length === 0}
      >
        {hints.map((hint, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above handles the keys, as a combobox does
          <div
            key={`${hint.kind}${hint.text}`}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === active}
            tabIndex={-1}
            className={styles.hint}
            // A press would take the focus, and with it the list, before the click arrives.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => take(hint)}
          >
            <span className={styles.hintText}>{hint.text}</span>
            <span className={styles.hintAbout}>{hintInWords(t, hint)}</span>
          </div>
        ))}
      </div>
    </div>
  );
}

function Token({ token, onRemove }: { token: string; onRemove: () => void }) {
  const { t } = useI18n();
  const colon = token.indexOf(":");
  return (
    <span className={styles.tag}>
      <span className={styles.tagText}>
        {colon > 0 && <span className={styles.tagKey}>{token.slice(0, colon + 1)}</span>}
        {token.slice(colon + 1)}
      </span>
      <button
        type="button"
        className={styles.remove}
        aria-label={t("runs.remove_filter", { filter: token })}
        onClick={onRemove}
      >
        ×
      </button>
    </span>
  );
}
