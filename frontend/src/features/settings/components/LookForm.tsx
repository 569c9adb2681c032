import { BlockStack, Card, FormLayout, Select, Text, TextField } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { MessageFrame } from "@/components/MessageFrame";
import { SaveBar } from "@/components/SaveBar";
import { useI18n } from "@/i18n/useI18n";
import type { BrandKit } from "@/lib/api/types";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { useDebounced } from "@/lib/useDebounced";
import { useToast } from "@/lib/useToast";
import { lookPictureQuery, useSaveLook } from "../api";
import { ColourField, isColour } from "./ColourField";
import styles from "./look.module.css";

const FONTS = ["system", "serif", "rounded", "mono"] as const;
const POINTERS = ["/accent", "/background", "/font", "/logo_url", "/address"];
const SAMPLE_AFTER_MS = 300;

/** The form with a message beside it that shows what the form says, as far as it is in order. */
export function LookForm({ saved }: { saved: BrandKit }) {
  const { t } = useI18n();
  const showToast = useToast();
  const save = useSaveLook();
  const [draft, setDraft] = useState(saved);
  const [asked, setAsked] = useState(false);
  const settled = useDebounced(draft, SAMPLE_AFTER_MS);
  const inOrder = isColour(settled.accent) && isColour(settled.background);
  const picture = useQuery({ ...lookPictureQuery(settled), enabled: inOrder });
  const dirty = JSON.stringify(draft) !== JSON.stringify(saved);

  function set(changes: Partial<BrandKit>) {
    setDraft((before) => ({ ...before, ...changes }));
  }

  function errorOf(field: keyof BrandKit): string | undefined {
    if ((field === "accent" || field === "background") && asked && !isColour(draft[field]))
      return t("look.colour_wrong");
    return fieldError(save.error, `/${field}`);
  }

  function onSave() {
    setAsked(true);
    if (!isColour(draft.accent) || !isColour(draft.background)) return;
    save.mutate(draft, {
      onSuccess: (look) => {
        setDraft(look);
        showToast(t("look.saved"));
      },
    });
  }

  function onDiscard() {
    setDraft(saved);
    setAsked(false);
    save.reset();
  }

  return (
    <>
      <SaveBar dirty={dirty} saving={save.isPending} onSave={onSave} onDiscard={onDiscard} />
      <BlockStack gap="400">
        {hasOtherProblem(save.error, POINTERS) && <ErrorState error={save.error} title={t("look.failed")} />}
        <div className={styles.columns}>
          <Card>
            <FormLayout>
              <ColourField
                label={t("look.accent")}
                value={draft.accent}
                onChange={(accent) => set({ accent })}
                error={errorOf("accent")}
                helpText={t("look.accent_help")}
              />
              <ColourField
                label={t("look.background")}
                value={draft.background}
                onChange={(background) => set({ background })}
                error={errorOf("background")}
                helpText={t("look.background_help")}
              />
              <Select
                label={t("look.font")}
                options={FONTS.map((font) => ({ value: font, label: t(`look.font.${font}`) }))}
                value={draft.font}
                onChange={(font) => set({ font: font as BrandKit["font"] })}
                error={errorOf("font")}
                helpText={t("look.font_help")}
              />
              <TextField
                label={t("look.logo_url")}
                type="url"
                value={draft.logo_url ?? ""}
                onChange={(text) => set({ logo_url: text.trim() || null })}
                error={errorOf("logo_url")}
                helpText={t("look.logo_help")}
                placeholder="https://"
                autoComplete="off"
              />
              <TextField
                label={t("look.address")}
                value={draft.address ?? ""}
                onChange={(address) => set({ address: address || null })}
                error={errorOf("address")}
                helpText={t("look.address_help")}
                maxLength={300}
                multiline={2}
                autoComplete="street-address"
              />
            </FormLayout>
          </Card>
          <div className={styles.sample}>
            <Card padding="0">
              <MessageFrame
                html={picture.data?.html ?? ""}
                title={t("look.sample")}
                width={640}
                maxHeight={760}
              />
            </Card>
            {(picture.isError || !inOrder) && (
              <Text as="p" tone="caution" variant="bodySm">
                {t("look.sample_failed")}
              </Text>
            )}
          </div>
        </div>
      </BlockStack>
    </>
  );
}
