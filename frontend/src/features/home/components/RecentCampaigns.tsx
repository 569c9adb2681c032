import { Button } from "@shopify/polaris";
import { EmailIcon } from "@shopify/polaris-icons";
import { CampaignTable } from "@/components/CampaignTable";
import { EmptyState } from "@/components/EmptyState";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { CampaignRow } from "@/lib/api/types";

export function RecentCampaigns({ campaigns }: { campaigns: readonly CampaignRow[] }) {
  const { t } = useI18n();
  if (campaigns.length === 0) {
    return (
      <EmptyState
        icon={EmailIcon}
        title={t("campaigns.empty.title")}
        action={<Button url="/campaigns/new">{t("campaigns.empty.action")}</Button>}
      >
        {t("campaigns.empty.body")}
      </EmptyState>
    );
  }
  return (
    <TableCard
      title={t("home.recent.title")}
      actions={
        <Button variant="plain" url="/campaigns">
          {t("home.recent.all")}
        </Button>
      }
    >
      <CampaignTable caption={t("home.recent.title")} campaigns={campaigns} />
    </TableCard>
  );
}
