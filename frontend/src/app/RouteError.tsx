import { Button } from "@shopify/polaris";
import { SearchIcon } from "@shopify/polaris-icons";
import { isRouteErrorResponse, useRouteError } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { useI18n } from "@/i18n/useI18n";

/** A page that broke while rendering, or whose code could not be loaded after a new version was installed. */
export function RouteError() {
  const error = useRouteError();
  if (isRouteErrorResponse(error) && error.status === 404) return <NotFoundPage />;
  return <BrokenPage error={error} />;
}

function BrokenPage({ error }: { error: unknown }) {
  const { t } = useI18n();
  return (
    <Page title={t("error.title")}>
      <ErrorState error={error} retry={() => window.location.reload()} />
    </Page>
  );
}

export function NotFoundPage() {
  const { t } = useI18n();
  return (
    <Page title={t("not_found.title")}>
      <EmptyState
        icon={SearchIcon}
        title={t("not_found.heading")}
        action={
          <Button url="/" variant="primary">
            {t("not_found.action")}
          </Button>
        }
      >
        {t("not_found.body")}
      </EmptyState>
    </Page>
  );
}
