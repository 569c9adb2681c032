import { Autocomplete } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import type { ChoiceKind } from "@/lib/rules";
import { useDebounced } from "@/lib/useDebounced";
import { choicesQuery } from "../api";

interface Props {
  label: string;
  kind: ChoiceKind;
  value: string;
  error: string | undefined;
  onChange: (id: string) => void;
}

/** Finds a product, campaign, segment or list by its name. */
export function ChoicePicker({ label, kind, value, error, onChange }: Props) {
  const { t } = useI18n();
  const [typed, setTyped] = useState<string | null>(null);
  const search = useDebounced(typed ?? "", 250);
  const found = useQuery(choicesQuery({ kind, search }, true));
  const chosen = useQuery(choicesQuery({ kind, id: [value] }, value !== ""));
  const name = chosen.data?.items.find((item) => item.id === value)?.name;
  const options = (found.data?.items ?? []).map((item) => ({ value: item.id, label: item.name }));
  const missing = value !== "" && chosen.data && name === undefined ? t("rules.gone") : undefined;
  return (
    <Autocomplete
      options={options}
      selected={value === "" ? [] : [value]}
      loading={found.isPending}
      onSelect={([id]) => {
        setTyped(null);
        if (id) onChange(id);
      }}
      emptyState={found.data && t("rules.no_choice")}
      textField={
        <Autocomplete.TextField
          label={label}
          labelHidden
          autoComplete="off"
          placeholder={t.code("choose", kind)}
          value={typed ?? name ?? ""}
          error={error ?? missing}
          onChange={setTyped}
          onBlur={() => setTyped(null)}
        />
      }
    />
  );
}
