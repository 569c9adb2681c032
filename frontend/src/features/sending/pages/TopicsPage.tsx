import { Badge, BlockStack, Button, TextField } from "@shopify/polaris";
import { ListBulletedIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { RowMenu } from "@/components/RowMenu";
import { TableSkeleton } from "@/components/Skeletons";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import { fieldError } from "@/lib/fieldErrors";
import { topicsQuery } from "@/lib/queries/topics";
import { useMay } from "@/lib/useSession";
import { type Topic, useAddTopic, useChangeTopic } from "../recipientsApi";

/** What recipients may choose to hear about. */
export function TopicsPage() {
  const { t } = useI18n();
  const query = useQuery(topicsQuery);
  const mayEdit = useMay("edit");
  const change = useChangeTopic();
  const [edited, setEdited] = useState<Topic | "new" | null>(null);
  const columns: Column<Topic>[] = [
    { key: "name", header: t("topics.name"), cell: (row) => row.name },
    {
      key: "description",
      header: t("topics.description"),
      long: true,
      cell: (row) => row.description || "–",
    },
    {
      key: "state",
      header: t("topics.state"),
      cell: (row) => <Badge>{row.archived ? t("topics.archived") : t("topics.in_use")}</Badge>,
    },
    ...(mayEdit
      ? [
          {
            key: "actions",
            header: "",
            corner: true,
            cell: (row: Topic) => (
              <RowMenu
                label={t("topics.actions_of", { name: row.name })}
                actions={[
                  { content: t("topics.change"), onAction: () => setEdited(row) },
                  {
                    content: row.archived ? t("topics.restore") : t("topics.archive"),
                    onAction: () => change.mutate({ id: row.id, archived: !row.archived }),
                  },
                ]}
              />
            ),
          },
        ]
      : []),
  ];
  const add = mayEdit && (
    <Button variant="primary" onClick={() => setEdited("new")}>
      {t("topics.add")}
    </Button>
  );
  return (
    <Page
      title={t("topics.title")}
      subtitle={t("topics.subtitle")}
      backAction={{ content: t("sending.title"), url: "/settings/sending" }}
      primaryAction={query.data?.length ? add || undefined : undefined}
    >
      <BlockStack gap="400">
        {change.error && edited === null && <ErrorState error={change.error} />}
        <QueryView
          query={query}
          skeleton={<TableSkeleton />}
          isEmpty={(topics) => topics.length === 0}
          empty={
            <EmptyState icon={ListBulletedIcon} title={t("topics.none")} action={add}>
              {t("topics.none_body")}
            </EmptyState>
          }
        >
          {(topics) => (
            <TableCard>
              <DataTable
                caption={t("topics.title")}
                columns={columns}
                rows={topics}
                rowKey={(row) => row.id}
              />
            </TableCard>
          )}
        </QueryView>
      </BlockStack>
      {edited && <TopicModal topic={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </Page>
  );
}

function TopicModal({ topic, onClose }: { topic: Topic | null; onClose: () => void }) {
  const { t } = useI18n();
  const add = useAddTopic();
  const change = useChangeTopic();
  const [name, setName] = useState(topic?.name ?? "");
  const [description, setDescription] = useState(topic?.description ?? "");
  const given = { name: name.trim(), description: description.trim() };
  const error = add.error ?? change.error;
  return (
    <ActModal
      title={topic ? t("topics.change_of", { name: topic.name }) : t("topics.add")}
      consequence={t("topics.add_body")}
      action={topic ? t("action.save") : t("topics.add")}
      error={error}
      pointers={["/name", "/description"]}
      isPending={add.isPending || change.isPending}
      onAct={() =>
        topic
          ? change.mutate({ id: topic.id, ...given }, { onSuccess: onClose })
          : add.mutate(given, { onSuccess: onClose })
      }
      onClose={onClose}
    >
      <TextField
        label={t("topics.name")}
        value={name}
        maxLength={60}
        autoComplete="off"
        error={fieldError(error, "/name")}
        onChange={setName}
      />
      <TextField
        label={t("topics.description")}
        value={description}
        maxLength={200}
        autoComplete="off"
        error={fieldError(error, "/description")}
        onChange={setDescription}
      />
    </ActModal>
  );
}
