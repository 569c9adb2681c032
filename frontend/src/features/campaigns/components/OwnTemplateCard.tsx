import { BlockStack, Box, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { MessageFrame } from "@/components/MessageFrame";
import { RowMenu } from "@/components/RowMenu";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import type { SavedTemplateRow } from "@/lib/api/types";
import { useMay } from "@/lib/useSession";
import { savedPictureQuery } from "../templatesApi";

const PICTURE_PX = 340;

interface Props {
  template: SavedTemplateRow;
  busy: boolean;
  disabled: boolean;
  start: () => void;
  rename: () => void;
  remove: () => void;
}

/** A saved template; its picture comes after the page, since each is rendered by itself. */
export function OwnTemplateCard({ template, busy, disabled, start, rename, remove }: Props) {
  const { t } = useI18n();
  const mayEdit = useMay("edit");
  const picture = useQuery(savedPictureQuery(template.id, template.version));
  return (
    <Card padding="0">
      {picture.data ? (
        <MessageFrame
          html={picture.data.html}
          title={t("gallery.picture_of", { name: template.name })}
          width={640}
          maxHeight={PICTURE_PX}
        />
      ) : (
        <Box padding="400" minHeight={`${PICTURE_PX}px`} background="bg-surface-secondary">
          {picture.error && (
            <Text as="p" tone="subdued">
              {t("gallery.picture_failed")}
            </Text>
          )}
        </Box>
      )}
      <Box padding="400" borderBlockStartWidth="025" borderColor="border-secondary">
        <BlockStack gap="300">
          <Text as="h3" variant="headingMd" breakWord>
            {template.name}
          </Text>
          <Text as="p" tone="subdued">
            <TimeAgo at={template.updated_at} />
          </Text>
          <InlineStack align="space-between" blockAlign="center">
            <Button
              onClick={start}
              loading={busy}
              disabled={disabled}
              accessibilityLabel={t("gallery.use_named", { name: template.name })}
            >
              {t("gallery.use")}
            </Button>
            {mayEdit && (
              <RowMenu
                label={t("gallery.actions_of", { name: template.name })}
                actions={[
                  { content: t("gallery.rename"), onAction: rename },
                  { content: t("gallery.delete"), onAction: remove, destructive: true },
                ]}
              />
            )}
          </InlineStack>
        </BlockStack>
      </Box>
    </Card>
  );
}
