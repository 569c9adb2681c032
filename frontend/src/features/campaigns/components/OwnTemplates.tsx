import { BlockStack, InlineGrid, Text } from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import type { SavedTemplateRow } from "@/lib/api/types";
import { useDeleteTemplate } from "../templatesApi";
import { ConfirmModal } from "./ConfirmModal";
import { OwnTemplateCard } from "./OwnTemplateCard";
import { RenameModal } from "./RenameModal";

interface Props {
  templates: readonly SavedTemplateRow[];
  /** The one that a campaign is being made from. */
  starting: string | null;
  start: (template: SavedTemplateRow) => void;
}

/** What the shop keeps for itself: to start from, to rename, to delete. */
export function OwnTemplates({ templates, starting, start }: Props) {
  const { t } = useI18n();
  const [asked, setAsked] = useState<{ what: "rename" | "delete"; id: string } | null>(null);
  const chosen = templates.find(({ id }) => id === asked?.id);
  const remove = useDeleteTemplate();
  return (
    <BlockStack gap="400">
      <Text as="h2" variant="headingLg">
        {t("gallery.own")}
      </Text>
      {remove.error && <ErrorState error={remove.error} title={t("gallery.delete_failed")} />}
      <InlineGrid columns={{ xs: 1, sm: 2, lg: 3 }} gap="400">
        {templates.map((template) => (
          <OwnTemplateCard
            key={template.id}
            template={template}
            busy={starting === template.id}
            disabled={starting !== null}
            start={() => start(template)}
            rename={() => setAsked({ what: "rename", id: template.id })}
            remove={() => setAsked({ what: "delete", id: template.id })}
          />
        ))}
      </InlineGrid>
      {asked?.what === "rename" && chosen && <RenameModal template={chosen} close={() => setAsked(null)} />}
      {asked?.what === "delete" && chosen && (
        <ConfirmModal
          title={t("gallery.delete_title", { name: chosen.name })}
          body={t("gallery.delete_body")}
          action={t("gallery.delete")}
          busy={remove.isPending}
          confirm={() => remove.mutate(chosen.id, { onSettled: () => setAsked(null) })}
          close={() => setAsked(null)}
        />
      )}
    </BlockStack>
  );
}
