import { BlockStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { ActModal } from "@/components/ActModal";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import { ImportReport } from "../components/ImportReport";
import { MappingForm } from "../components/MappingForm";
import { importQuery, isUnderWay, useCancelImport } from "../importsApi";

/** One file of contacts: first what its columns mean, then what became of its rows. */
export function ImportPage() {
  const { t } = useI18n();
  const { importId = "" } = useParams();
  const query = useQuery(importQuery(importId));
  const cancel = useCancelImport(importId);
  const mayEdit = useMay("edit");
  const [asking, setAsking] = useState(false);
  const imported = query.data;
  const mayStop = mayEdit && imported && (isUnderWay(imported) || imported.state === "uploaded");
  return (
    <Page
      title={imported?.name ?? t("imports.one")}
      {...(imported
        ? {
            titleMetadata: <StateBadge state={imported.state} label={t(`imports.state.${imported.state}`)} />,
          }
        : {})}
      backAction={{ content: t("imports.title"), url: "/customers/imports" }}
      secondaryActions={
        mayStop ? [{ content: t("imports.cancel"), destructive: true, onAction: () => setAsking(true) }] : []
      }
    >
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={8} />
          </LoadingRegion>
        }
      >
        {(data) => (
          <BlockStack gap="400">
            {data.state === "empty" && (
              <Text as="p" tone="subdued">
                {t("imports.no_file")}
              </Text>
            )}
            {data.state === "uploaded" && <MappingForm file={data} />}
            {data.state !== "empty" && data.state !== "uploaded" && <ImportReport imported={data} />}
          </BlockStack>
        )}
      </QueryView>
      {asking && imported && (
        <ActModal
          title={t("imports.cancel_title", { name: imported.name })}
          consequence={t("imports.cancel_body")}
          action={t("imports.cancel")}
          destructive
          error={cancel.error}
          isPending={cancel.isPending}
          onAct={() => cancel.mutate(undefined, { onSuccess: () => setAsking(false) })}
          onClose={() => setAsking(false)}
        />
      )}
    </Page>
  );
}
