import { BlockStack, Card, Checkbox } from "@shopify/polaris";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { useMay } from "@/lib/useSession";
import { useSaveDoubleOptIn } from "../api";

/** Whether people confirm a subscription by a link in a mail; stored as soon as it is chosen. */
export function DoubleOptInCard({ enabled }: { enabled: boolean }) {
  const { t } = useI18n();
  const save = useSaveDoubleOptIn();
  const mayManage = useMay("manage");
  return (
    <Card>
      <BlockStack gap="300">
        {hasOtherProblem(save.error, ["/enabled"]) && (
          <ErrorState error={save.error} title={t("settings.opt_in.failed")} />
        )}
        <Checkbox
          label={t("settings.opt_in.label")}
          helpText={t("settings.opt_in.help")}
          checked={save.isPending ? save.variables : enabled}
          disabled={!mayManage || save.isPending}
          onChange={(on) => save.mutate(on)}
          error={fieldError(save.error, "/enabled")}
        />
      </BlockStack>
    </Card>
  );
}
