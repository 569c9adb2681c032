import { Autocomplete, Button, ButtonGroup, Icon, InlineStack } from "@shopify/polaris";
import { DesktopIcon, ImageIcon, MobileIcon, MoonIcon, PersonIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import type { CustomerRow } from "@/lib/api/types";
import { customersQuery } from "@/lib/queries/customers";
import { useDebounced } from "@/lib/useDebounced";
import { samplesQuery } from "../api";
import styles from "./PreviewPane.module.css";

export interface PreviewView {
  device: "desktop" | "phone";
  dark: boolean;
  imagesOff: boolean;
}

interface Props {
  campaignId: string;
  segmentId: string | null;
  view: PreviewView;
  setView: (view: PreviewView) => void;
  customer: CustomerRow | null;
  setCustomerId: (id: string) => void;
}

const SEARCH_AFTER_MS = 250;

export function PreviewToolbar({ campaignId, segmentId, view, setView, customer, setCustomerId }: Props) {
  const { t } = useI18n();
  // Null while nobody types: the field then shows whom the preview is for.
  const [typed, setTyped] = useState<string | null>(null);
  const search = useDebounced(typed ?? "", SEARCH_AFTER_MS);
  const found = useQuery({ ...customersQuery(search), enabled: typed !== null });
  const samples = useQuery({ ...samplesQuery(campaignId, segmentId), enabled: typed !== null });
  const others = {
    title: t("preview.customers"),
    options: (found.data?.items ?? []).map((row) => ({ value: row.id, label: labelOf(row) })),
  };
  const hard = {
    title: t("preview.samples"),
    options: (samples.data ?? []).map(({ why, customer: row }) => ({
      value: row.id,
      label: `${t.code("sample", why)}: ${labelOf(row)}`,
    })),
  };
  const shown = customer ? customer.name || customer.email || "" : "";

  function labelOf(row: CustomerRow): string {
    return `${row.name || t("customer.nameless")} · ${row.email ?? ""}`;
  }

  return (
    <div className={styles.toolbar}>
      <div className={styles.person}>
        <Autocomplete
          options={typed === "" && hard.options.length > 0 ? [hard, others] : [others]}
          selected={[]}
          onSelect={([id]) => {
            if (id) setCustomerId(id);
            setTyped(null);
          }}
          loading={found.isFetching}
          textField={
            <Autocomplete.TextField
              label={t("preview.as")}
              value={typed ?? shown}
              onChange={setTyped}
              onFocus={() => setTyped("")}
              onBlur={() => setTyped(null)}
              prefix={<Icon source={PersonIcon} />}
              placeholder={shown || t("preview.search")}
              autoComplete="off"
            />
          }
        />
      </div>
      <InlineStack gap="200">
        <ButtonGroup variant="segmented">
          <Button
            icon={DesktopIcon}
            pressed={view.device === "desktop"}
            onClick={() => setView({ ...view, device: "desktop" })}
            accessibilityLabel={t("preview.desktop")}
          />
          <Button
            icon={MobileIcon}
            pressed={view.device === "phone"}
            onClick={() => setView({ ...view, device: "phone" })}
            accessibilityLabel={t("preview.phone")}
          />
        </ButtonGroup>
        <Button
          icon={MoonIcon}
          pressed={view.dark}
          onClick={() => setView({ ...view, dark: !view.dark })}
          accessibilityLabel={t("preview.dark")}
        />
        <Button
          icon={ImageIcon}
          pressed={view.imagesOff}
          onClick={() => setView({ ...view, imagesOff: !view.imagesOff })}
          accessibilityLabel={t("preview.images_off")}
        />
      </InlineStack>
    </div>
  );
}
