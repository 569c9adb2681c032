import { BlockStack, Modal, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import type { Translate } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import type { RecipientStory as Story } from "@/lib/api/types";
import type { Format } from "@/lib/format";
import { storyQuery } from "../reportApi";
import styles from "./RecipientStory.module.css";

type Step = Story["steps"][number];

function words(step: Step, t: Translate, f: Format): string {
  const reason = step.reason ? t.code("exclusion", step.reason) : "";
  switch (step.kind) {
    case "frozen":
      return t("story.frozen");
    case "excluded":
      return t("story.excluded", { reason });
    case "waiting":
      return reason ? t("story.waiting_for", { reason }) : t("story.waiting");
    case "deferred":
      return t("story.deferred", { count: step.attempts ?? 1 });
    case "claimed":
      return t("story.claimed");
    case "accepted":
      return t("story.accepted");
    case "failed":
      return t("story.failed", { reason });
    case "unknown":
      return t("story.unknown");
    case "order":
      return step.order
        ? t("story.ordered", { name: step.order.name, amount: f.money(step.order.revenue) })
        : t.code("event", step.kind);
    default: {
      const event = t.code("event", step.kind);
      return step.verdict === "machine" ? t("story.machine", { event }) : event;
    }
  }
}

function details(step: Step, t: Translate, f: Format): string[] {
  const found: string[] = [];
  if (step.until) found.push(t("story.until", { time: f.dateTime(step.until) }));
  if (step.kind === "order" && step.touch_at) {
    found.push(
      t(step.credited_by === "open" ? "story.credited_open" : "story.credited_click", {
        time: f.dateTime(step.touch_at),
      }),
    );
  }
  return found;
}

/** One person's way through the campaign, in order: what happened to the message, what they did, what they bought. */
export function RecipientStory({
  campaignId,
  customerId,
  close,
}: {
  campaignId: string;
  customerId: string;
  close: () => void;
}) {
  const { t } = useI18n();
  const query = useQuery(storyQuery(campaignId, customerId));
  const customer = query.data?.customer;
  const title = customer ? customer.name || customer.email || t("customer.nameless") : t("recipients.story");
  return (
    <Modal open onClose={close} title={title}>
      <Modal.Section>
        <QueryView
          query={query}
          skeleton={
            <LoadingRegion>
              <CardSkeleton lines={6} />
            </LoadingRegion>
          }
        >
          {(story) => <Told story={story} customerId={customerId} />}
        </QueryView>
      </Modal.Section>
    </Modal>
  );
}

function Told({ story, customerId }: { story: Story; customerId: string }) {
  const { t, f } = useI18n();
  const { customer, email } = story;
  return (
    <BlockStack gap="400">
      <BlockStack gap="100">
        <Text as="p" tone="subdued">
          {email ?? customer.email} · {t("customer.orders", { count: customer.orders_count })} ·{" "}
          {f.money(customer.total_spent)} ·{" "}
          <Link className={styles.profile} to={`/customers/${customerId}`}>
            {t("story.profile")}
          </Link>
        </Text>
        {story.segment_name && (
          <Text as="p" tone="subdued">
            {t("story.why", { segment: story.segment_name })}
          </Text>
        )}
      </BlockStack>
      <ol className={styles.steps}>
        {story.steps.map((step, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the steps are a finished sequence without ids
          <li key={index} className={styles.step} data-machine={step.verdict === "machine" || undefined}>
            <Text as="span" fontWeight="semibold">
              {words(step, t, f)}
            </Text>
            {step.at && (
              <Text as="span" variant="bodySm" tone="subdued">
                <time dateTime={step.at}>{f.dateTime(step.at)}</time>
              </Text>
            )}
            {details(step, t, f).map((line) => (
              <Text key={line} as="span" variant="bodySm" tone="subdued">
                {line}
              </Text>
            ))}
            {step.reply && <code className={styles.quoted}>{step.reply}</code>}
            {step.url && <code className={styles.quoted}>{step.url}</code>}
          </li>
        ))}
      </ol>
    </BlockStack>
  );
}
