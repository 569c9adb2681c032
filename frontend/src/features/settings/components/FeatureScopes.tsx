import { BlockStack, Button, InlineStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { ErrorState } from "@/components/ErrorState";
import { StateBadge } from "@/components/StateBadge";
import { useI18n } from "@/i18n/useI18n";
import { isEmbedded } from "@/lib/appBridge";
import { useMay } from "@/lib/useSession";
import { useToast } from "@/lib/useToast";
import { scopesQuery, useGrantScopes } from "../api";

/** Each feature, whether the store allows what it needs, and the way to allow it. */
export function FeatureScopes() {
  const { t } = useI18n();
  const query = useQuery(scopesQuery);
  if (query.error) return <ErrorState error={query.error} title={t("settings.access.features_failed")} />;
  const features = query.data?.features ?? [];
  return (
    <ul className="sc-plain-list" aria-busy={query.isPending}>
      {features.map(({ feature, scopes, missing, granted, optional }) => (
        <li key={feature}>
          <InlineStack align="space-between" blockAlign="center" gap="400" wrap={false}>
            <BlockStack gap="050">
              <Text as="span">{t.code("feature", feature)}</Text>
              <Text as="span" tone="subdued" variant="bodySm" breakWord>
                {scopes.join(", ")}
                {optional && ` · ${t("settings.access.optional")}`}
              </Text>
            </BlockStack>
            {granted ? (
              <StateBadge state="granted" />
            ) : (
              <GrantButton scopes={missing} optional={optional} adminUrl={query.data?.admin_url ?? ""} />
            )}
          </InlineStack>
        </li>
      ))}
    </ul>
  );
}

/**
 * Asks for optional permissions where the person stands. Those that come with the installation Shopify asks for by
 * itself when the app is opened in the admin, as it must be for any of them outside of it.
 */
export function GrantButton(props: { scopes: readonly string[]; optional: boolean; adminUrl: string }) {
  const { t } = useI18n();
  const showToast = useToast();
  const may = useMay("manage");
  const grant = useGrantScopes();
  if (!(props.optional && isEmbedded())) {
    return (
      <Button url={props.adminUrl} target="_top" disabled={!may}>
        {t("settings.access.open_admin")}
      </Button>
    );
  }
  return (
    <Button
      loading={grant.isPending}
      disabled={!may}
      onClick={() =>
        grant.mutate(props.scopes, {
          onSuccess: (granted) =>
            showToast(t(granted ? "settings.access.granted_now" : "settings.access.declined")),
          onError: () => showToast(t("settings.access.grant_failed"), { isError: true }),
        })
      }
    >
      {t("settings.access.grant")}
    </Button>
  );
}
