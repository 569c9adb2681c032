import { Card } from "@shopify/polaris";
import { Facts } from "@/components/Facts";
import { useI18n } from "@/i18n/useI18n";
import type { Settings } from "@/lib/api/types";

export function StoreCard({ store }: { store: Settings["store"] }) {
  const { t } = useI18n();
  return (
    <Card>
      <Facts
        facts={[
          [t("settings.store.name"), store.name],
          [t("settings.store.domain"), store.domain],
          [t("settings.store.email"), store.email ?? "–"],
          [t("settings.store.currency"), store.currency],
          [t("settings.store.timezone"), store.timezone],
          [t("settings.store.plan"), store.plan ?? "–"],
        ]}
      />
    </Card>
  );
}
