import { Autocomplete, Button, ButtonGroup, Icon, InlineStack, Select } from "@shopify/polaris";
import { DesktopIcon, ImageIcon, MobileIcon, MoonIcon, PersonIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign, CustomerRow } from "@/lib/api/types";
import { customersQuery } from "@/lib/queries/customers";
import { useDebounced } from "@/lib/useDebounced";
import { samplesQuery } from "../api";
import { variantsQuery } from "../variantsApi";
import { useVersionName } from "../versionNames";
import type { Look } from "./PreviewPane";
import styles from "./PreviewPane.module.css";

export interface PreviewView {
  device: "desktop" | "phone";
  dark: boolean;
  imagesOff: boolean;
}

interface Props {
  campaign: Campaign;
  look: Look | null;
  setLook: (look: Look | null) => void;
  view: PreviewView;
  setView: (view: PreviewView) => void;
  customer: CustomerRow | null;
  setCustomerId: (id: string) => void;
}

const SEARCH_AFTER_MS = 250;

export function PreviewToolbar({ campaign, look, setLook, view, setView, customer, setCustomerId }: Props) {
  const { t } = useI18n();
  // Null while nobody types: the field then shows whom the preview is for.
  const [typed, setTyped] = useState<string | null>(null);
  const search = useDebounced(typed ?? "", SEARCH_AFTER_MS);
  const found = useQuery({ ...customersQuery(search), enabled: typed !== null });
  const samples = useQuery({ ...samplesQuery(campaign.id, campaign.segment_id), enabled: typed !== null });
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
      <VersionChoice campaign={campaign} look={look} setLook={setLook} />
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

const NO_WORDS = {};
/** What stands for a version that is being written and not stored. */
const UNSTORED = "new";

/** Which version is shown: that of the customer's language, or one of one's choice. */
function VersionChoice({ campaign, look, setLook }: Pick<Props, "campaign" | "look" | "setLook">) {
  const { t } = useI18n();
  const nameOf = useVersionName();
  const { data } = useQuery(variantsQuery(campaign.id, campaign.version));
  const stored = [...(data?.versions ?? []), ...(data?.languages ?? [])];
  if (stored.length === 0 && !look) return null;
  const unstored = look && look.number === null;
  const options = [
    { value: "", label: t(data?.languages.length ? "preview.by_language" : "preview.as_sent") },
    ...[{ number: 0 }, ...stored].map((one) => ({
      value: String(one.number),
      label: nameOf(one, campaign.tested),
    })),
    ...(unstored
      ? [
          {
            value: UNSTORED,
            label: look.locale
              ? nameOf({ number: 0, locale: look.locale })
              : t("versions.name", { letter: look.letter ?? "" }),
          },
        ]
      : []),
  ];

  function choose(value: string) {
    if (value === UNSTORED) return;
    const number = Number(value);
    const words = stored.find((one) => one.number === number) ?? NO_WORDS;
    setLook(value === "" ? null : { number, words });
  }

  return (
    <div className={styles.version}>
      <Select
        label={t("versions.column.version")}
        options={options}
        value={look ? String(look.number ?? UNSTORED) : ""}
        onChange={choose}
      />
    </div>
  );
}
