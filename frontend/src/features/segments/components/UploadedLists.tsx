import { BlockStack, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { CustomerList } from "@/lib/api/types";
import { useMay } from "@/lib/useSession";
import { listsQuery, useDeleteList } from "../api";
import { ListReport } from "./ListReport";
import styles from "./segments.module.css";
import { UploadListModal } from "./UploadListModal";

/** Lists of customers from elsewhere, which rules may ask for. */
export function UploadedLists() {
  const { t } = useI18n();
  const mayEdit = useMay("edit");
  const query = useQuery(listsQuery);
  const [uploading, setUploading] = useState(false);
  return (
    <Card>
      <BlockStack gap="400">
        <InlineStack align="space-between" blockAlign="start" gap="200">
          <BlockStack gap="100">
            <Text as="h2" variant="headingMd">
              {t("lists.title")}
            </Text>
            <Text as="p" tone="subdued">
              {t("lists.subtitle")}
            </Text>
          </BlockStack>
          {mayEdit && <Button onClick={() => setUploading(true)}>{t("lists.upload")}</Button>}
        </InlineStack>
        <QueryView
          query={query}
          skeleton={<TableSkeleton rows={2} />}
          isEmpty={(page) => page.items.length === 0}
          empty={
            <Text as="p" tone="subdued">
              {t("lists.empty")}
            </Text>
          }
        >
          {(page) => (
            <ul className={styles.lists}>
              {page.items.map((list) => (
                <ListItem key={list.id} list={list} />
              ))}
            </ul>
          )}
        </QueryView>
      </BlockStack>
      {uploading && <UploadListModal onClose={() => setUploading(false)} />}
    </Card>
  );
}

function ListItem({ list }: { list: CustomerList }) {
  const { t, f } = useI18n();
  const mayEdit = useMay("edit");
  const [open, setOpen] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const drop = useDeleteList(list.id);
  return (
    <li className={styles.list}>
      <InlineStack align="space-between" blockAlign="center" gap="200">
        <BlockStack gap="050">
          <Text as="h3" variant="headingSm">
            {list.name}
          </Text>
          <Text as="p" variant="bodySm" tone="subdued">
            {t("lists.members", { count: list.member_count })} · {f.date(list.created_at)}
          </Text>
        </BlockStack>
        <InlineStack gap="200">
          {list.refused_count > 0 && (
            <Button
              variant="plain"
              disclosure={open ? "up" : "down"}
              ariaExpanded={open}
              onClick={() => setOpen(!open)}
            >
              {t("lists.refused", { count: list.refused_count })}
            </Button>
          )}
          {mayEdit && (
            <Button
              variant="tertiary"
              tone="critical"
              onClick={() => setDeleting(true)}
              accessibilityLabel={t("lists.delete_one", { name: list.name })}
            >
              {t("segments.delete")}
            </Button>
          )}
        </InlineStack>
      </InlineStack>
      {open && <ListReport list={list} />}
      {deleting && (
        <ActModal
          title={t("segments.delete_title", { name: list.name })}
          consequence={t("lists.delete_body")}
          action={t("segments.delete")}
          destructive
          error={drop.error}
          isPending={drop.isPending}
          onAct={() => drop.mutate()}
          onClose={() => setDeleting(false)}
        />
      )}
    </li>
  );
}
