import { BlockStack, Box, Button, InlineGrid, Select, Text, TextField } from "@shopify/polaris";
import { ImportIcon } from "@shopify/polaris-icons";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useSearchParams } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { StateTabs } from "@/components/StateTabs";
import { TableCard } from "@/components/TableCard";
import { useI18n } from "@/i18n/useI18n";
import { useDebounced } from "@/lib/useDebounced";
import { useMay } from "@/lib/useSession";
import {
  type DeliveryState,
  deliveriesQuery,
  type ReplayRequest,
  type TopicReport,
  topicsQuery,
} from "../api";
import { DeliveryTable } from "../components/DeliveryTable";
import { MissedCard } from "../components/MissedCard";
import { ReplayModal } from "../components/ReplayModal";
import { TopicTable } from "../components/TopicTable";

const STATES: readonly DeliveryState[] = ["dead", "retrying", "waiting", "unhandled", "stale", "applied"];
const SPANS = [1, 24, 168] as const;
const TYPING_MS = 300;

/** What Shopify told Storecast, what became of it, and what it never told. */
export function WebhooksPage() {
  const { t } = useI18n();
  const [params] = useSearchParams();
  const mayOperate = useMay("operate");
  const [replaying, setReplaying] = useState<ReplayRequest | null>(null);
  const hours = SPANS.find((span) => String(span) === params.get("hours")) ?? 24;
  const report = useQuery(topicsQuery(hours));
  const topic = params.get("topic") ?? "";
  const state = STATES.find((one) => one === params.get("state"));
  const q = params.get("q") ?? "";
  const mayReplay = mayOperate && (topic !== "" || report.data?.topics.some((row) => row.received > 0));

  function askReplay() {
    // Without a topic the span narrows it down: a replay of everything there ever was is nobody's wish.
    const since = report.data?.since;
    setReplaying({
      ...(topic ? { topic } : {}),
      ...(since ? { from: since } : {}),
      ...(state && state !== "waiting" && state !== "retrying" ? { state } : {}),
    });
  }

  return (
    <Page
      title={t("webhooks.title")}
      subtitle={t("webhooks.subtitle")}
      backAction={{ content: t("nav.settings"), url: "/settings" }}
      fullWidth
      {...(mayReplay ? { primaryAction: { content: t("webhooks.replay.open"), onAction: askReplay } } : {})}
    >
      <BlockStack gap="400">
        <QueryView query={report} skeleton={<TableSkeleton />}>
          {(data) => <Overview report={data} hasFilter={topic !== "" || state !== undefined || q !== ""} />}
        </QueryView>
        <Deliveries
          topic={topic}
          state={state}
          q={q}
          topics={report.data?.topics.map((row) => row.topic) ?? []}
        />
        {report.data && report.data.missed.length > 0 && <MissedCard days={report.data.missed} />}
      </BlockStack>
      {replaying && <ReplayModal request={replaying} onClose={() => setReplaying(null)} />}
    </Page>
  );
}

function Overview({ report, hasFilter }: { report: TopicReport; hasFilter: boolean }) {
  const { t } = useI18n();
  const received = report.topics.reduce((sum, row) => sum + row.received, 0);
  const dead = report.topics.reduce((sum, row) => sum + row.dead, 0);
  const missed = report.missed.reduce((sum, row) => sum + row.missed, 0);
  return (
    <BlockStack gap="400">
      <Box paddingInline={{ xs: "400", sm: "0" }}>
        <Text as="h2" variant="headingLg" {...(dead > 0 ? { tone: "critical" as const } : {})}>
          {dead > 0
            ? t("webhooks.finding.dead", { count: dead })
            : received > 0
              ? t("webhooks.finding.well", { count: received })
              : t("webhooks.finding.silent")}
        </Text>
        {missed > 0 && (
          <Text as="p" tone="subdued">
            {t("webhooks.finding.missed", { count: missed })}
          </Text>
        )}
      </Box>
      <StateTabs
        label={t("webhooks.span")}
        param="hours"
        tabs={SPANS.map((span) => ({
          value: span === 24 ? "" : String(span),
          label: t(`webhooks.span.${span}`),
        }))}
      />
      {!hasFilter && received > 0 && <TopicTable topics={report.topics} />}
    </BlockStack>
  );
}

interface Filter {
  topic: string;
  state: DeliveryState | undefined;
  q: string;
  topics: readonly string[];
}

function Deliveries({ topic, state, q, topics }: Filter) {
  const { t } = useI18n();
  const [, setParams] = useSearchParams();
  const [text, setText] = useState(q);
  const settled = useDebounced(text.trim(), TYPING_MS);
  const query = useInfiniteQuery(
    deliveriesQuery({ ...(topic ? { topic } : {}), ...(state ? { state } : {}), ...(q ? { q } : {}) }),
  );

  function change(name: string, value: string) {
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (value) next.set(name, value);
        else next.delete(name);
        return next;
      },
      { replace: true },
    );
  }
  useEffect(() => {
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (settled) next.set("q", settled);
        else next.delete("q");
        return next;
      },
      { replace: true },
    );
  }, [settled, setParams]);

  function showAll() {
    setText("");
    setParams({}, { replace: true });
  }

  const known = topic && !topics.includes(topic) ? [topic, ...topics] : [...topics];
  const isFiltered = topic !== "" || state !== undefined || q !== "";
  return (
    <BlockStack gap="300">
      <StateTabs
        label={t("webhooks.column.state")}
        param="state"
        tabs={[
          { value: "", label: t("webhooks.all") },
          ...STATES.map((one) => ({ value: one, label: t(`webhooks.state.${one}`) })),
        ]}
      />
      <Box paddingInline={{ xs: "200", md: "0" }}>
        <InlineGrid columns={{ xs: 1, md: ["oneThird", "twoThirds"] }} gap="200">
          <Select
            label={t("webhooks.column.topic")}
            labelHidden
            options={[
              { label: t("webhooks.every_topic"), value: "" },
              ...known.sort().map((name) => ({ label: name, value: name })),
            ]}
            value={topic}
            onChange={(value) => change("topic", value)}
          />
          <TextField
            label={t("webhooks.search")}
            labelHidden
            type="search"
            placeholder={t("webhooks.search")}
            value={text}
            onChange={setText}
            clearButton
            onClearButtonClick={() => setText("")}
            autoComplete="off"
          />
        </InlineGrid>
      </Box>
      <QueryView
        query={query}
        skeleton={<TableSkeleton />}
        isEmpty={(data) => data.pages[0]?.items.length === 0}
        empty={
          <EmptyState
            icon={ImportIcon}
            title={t(isFiltered ? "webhooks.none.title" : "webhooks.empty.title")}
            action={
              isFiltered ? (
                <Button onClick={showAll}>{t("webhooks.show_all")}</Button>
              ) : (
                <Button url="/settings">{t("webhooks.to_settings")}</Button>
              )
            }
          >
            {t(isFiltered ? "webhooks.none.body" : "webhooks.empty.body")}
          </EmptyState>
        }
      >
        {(data) => (
          <TableCard
            title={t("webhooks.deliveries")}
            {...(isFiltered
              ? {
                  actions: (
                    <Button variant="plain" onClick={showAll}>
                      {t("webhooks.show_all")}
                    </Button>
                  ),
                }
              : {})}
            loadMore={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
            loadingMore={query.isFetchingNextPage}
          >
            <DeliveryTable rows={data.pages.flatMap((page) => page.items)} />
          </TableCard>
        )}
      </QueryView>
    </BlockStack>
  );
}
