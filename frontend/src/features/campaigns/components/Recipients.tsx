import { BlockStack, Box, Button, Text, TextField } from "@shopify/polaris";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { type Column, DataTable } from "@/components/DataTable";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { StateTabs } from "@/components/StateTabs";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import type { CampaignState, Recipient } from "@/lib/api/types";
import { useSearchInAddress } from "@/lib/useSearchInAddress";
import { recipientsQuery } from "../reportApi";
import { RecipientStory } from "./RecipientStory";

const STATES = ["accepted", "pending", "failed", "unknown", "excluded"] as const;
const PARAM = "recipients";
const STORY = "story";

/** Everyone in the frozen audience, and what became of each. */
export function Recipients({ campaignId, state }: { campaignId: string; state: CampaignState }) {
  const { t, f } = useI18n();
  const [params, setParams] = useSearchParams();
  const { q, text, setText } = useSearchInAddress();
  const query = useInfiniteQuery(recipientsQuery(campaignId, params.get(PARAM) ?? "", q, state));
  const last = (row: Recipient) => row.events[row.events.length - 1];
  const told = params.get(STORY);
  const tell = (customerId: string | null) =>
    setParams((before) => {
      const next = new URLSearchParams(before);
      if (customerId) next.set(STORY, customerId);
      else next.delete(STORY);
      return next;
    });

  const columns: Column<Recipient>[] = [
    {
      key: "customer",
      header: t("recipients.customer"),
      cell: ({ customer }) => (
        <BlockStack>
          <span>{customer.name || t("customer.nameless")}</span>
          <Text as="span" variant="bodySm" tone="subdued">
            {customer.email}
          </Text>
        </BlockStack>
      ),
    },
    { key: "state", header: t("recipients.state"), cell: (row) => <StateBadge state={row.state} /> },
    {
      key: "last",
      header: t("recipients.last"),
      cell: (row) => {
        const event = last(row);
        if (event) return t.code("event", event.kind);
        return row.reason ? t.code("exclusion", row.reason) : (row.reply ?? "–");
      },
    },
    {
      key: "order",
      header: t("recipients.order"),
      numeric: true,
      cell: (row) => (row.order ? f.money(row.order.revenue) : "–"),
    },
    {
      key: "story",
      header: t("recipients.story"),
      cell: (row) =>
        // Of somebody whose data was erased there is nothing to tell.
        row.customer.id ? (
          <Button
            variant="plain"
            onClick={() => tell(row.customer.id)}
            accessibilityLabel={t("recipients.story_of", {
              name: row.customer.name || (row.customer.email ?? ""),
            })}
          >
            {t("recipients.show_story")}
          </Button>
        ) : (
          "–"
        ),
    },
  ];

  return (
    <>
      <TableCard
        title={t("recipients.title")}
        actions={
          <StateTabs
            label={t("recipients.filter")}
            param={PARAM}
            tabs={[
              { value: "", label: t("recipients.all") },
              ...STATES.map((value) => ({ value, label: t(`status.${value}`) })),
            ]}
          />
        }
        loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
        loadingMore={query.isFetchingNextPage}
      >
        <Box paddingInline="400" paddingBlockEnd="300">
          <TextField
            label={t("recipients.search")}
            labelHidden
            type="search"
            placeholder={t("recipients.search")}
            value={text}
            onChange={setText}
            clearButton
            onClearButtonClick={() => setText("")}
            autoComplete="off"
          />
        </Box>
        <QueryView
          query={query}
          skeleton={<TableSkeleton rows={4} />}
          isEmpty={(data) => data.pages[0]?.items.length === 0}
          empty={
            <Box padding="400">
              <Text as="p" tone="subdued">
                {t(q ? "recipients.none_found" : "recipients.none")}
              </Text>
            </Box>
          }
        >
          {(data) => (
            <DataTable
              caption={t("recipients.title")}
              columns={columns}
              rows={data.pages.flatMap((page) => page.items)}
              rowKey={(row) => row.customer.id || `${row.accepted_at} ${row.state}`}
            />
          )}
        </QueryView>
      </TableCard>
      {told && <RecipientStory campaignId={campaignId} customerId={told} close={() => tell(null)} />}
    </>
  );
}
