import { ActionList, Button, InlineStack, Popover } from "@shopify/polaris";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { type Block, BUILT_IN, blockOf, builtIn } from "../blocks";
import type { SourceField } from "../draft";
import { savedTemplateQuery, savedTemplatesQuery } from "../templatesApi";

interface Props {
  field: SourceField;
  insert: (block: Block) => void;
}

/** A menu of the shop's own blocks and of those that everybody has. */
export function InsertBlock({ field, insert }: Props) {
  const { t } = useI18n();
  const client = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const [refusal, setRefusal] = useState<unknown>(null);
  const saved = useQuery({ ...savedTemplatesQuery, enabled: isOpen });
  const own = (saved.data ?? []).filter(({ kind }) => kind === "block");
  const words = { see: t("insert.see"), visit: t("insert.visit"), total: t("insert.total") };

  function take(block: Block) {
    setOpen(false);
    setRefusal(null);
    insert(block);
  }

  async function takeOwn(id: string) {
    try {
      const block = blockOf(await client.fetchQuery(savedTemplateQuery(id)));
      const [language = "html"] = Object.keys(block);
      if (field in block) take(block);
      else throw new Error(t("insert.wrong_language", { language: language.toUpperCase() }));
    } catch (error) {
      setOpen(false);
      setRefusal(error);
    }
  }

  return (
    <>
      <InlineStack>
        <Popover
          active={isOpen}
          onClose={() => setOpen(false)}
          activator={
            <Button disclosure onClick={() => setOpen(!isOpen)}>
              {t("insert.action")}
            </Button>
          }
        >
          <ActionList
            actionRole="menuitem"
            sections={[
              ...(own.length > 0
                ? [
                    {
                      title: t("insert.own"),
                      items: own.map(({ id, name }) => ({ content: name, onAction: () => void takeOwn(id) })),
                    },
                  ]
                : []),
              {
                title: t("insert.built_in"),
                items: BUILT_IN.map((name) => ({
                  content: t(`insert.${name}`),
                  onAction: () => take(builtIn(name, words)),
                })),
              },
            ]}
          />
        </Popover>
      </InlineStack>
      {refusal != null && <ErrorState error={refusal} title={t("insert.failed")} />}
    </>
  );
}
