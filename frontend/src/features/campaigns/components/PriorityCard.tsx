import { Banner, BlockStack, Card, ChoiceList, List, Text } from "@shopify/polaris";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import type { Campaign } from "@/lib/api/types";
import { useMay } from "@/lib/useSession";
import { useSetPriority } from "../api";

const PRIORITIES = ["campaign", "transactional"] as const;
const RULES = ["purpose", "consent", "pace", "suppressed", "unsubscribe"] as const;

interface Props {
  campaign: Campaign;
  onSaved: (campaign: Campaign) => void;
}

/** Whether consent and the shop's pace hold the message. Who may decide that also has to send it. */
export function PriorityCard({ campaign, onSaved }: Props) {
  const { t } = useI18n();
  const mayManage = useMay("manage");
  const store = useSetPriority(campaign.id);
  return (
    <Card>
      <BlockStack gap="400">
        <Text as="h2" variant="headingMd">
          {t("priority.title")}
        </Text>
        {store.error && <ErrorState error={store.error} title={t("editor.failed")} />}
        <ChoiceList
          title={t("priority.kind")}
          titleHidden
          disabled={!mayManage || store.isPending}
          choices={PRIORITIES.map((value) => ({
            value,
            label: t(`priority.${value}`),
            helpText: t(`priority.${value}_help`),
          }))}
          selected={[campaign.priority]}
          onChange={([value]) => {
            const priority = value === "transactional" ? "transactional" : "campaign";
            if (priority !== campaign.priority)
              store.mutate({ version: campaign.version, priority }, { onSuccess: onSaved });
          }}
        />
        {!mayManage && (
          <Text as="p" tone="subdued">
            {t("priority.who")}
          </Text>
        )}
        {campaign.priority === "transactional" && (
          <Banner tone="warning" title={t("priority.means")}>
            <List>
              {RULES.map((rule) => (
                <List.Item key={rule}>{t(`priority.rule.${rule}`)}</List.Item>
              ))}
            </List>
          </Banner>
        )}
      </BlockStack>
    </Card>
  );
}
