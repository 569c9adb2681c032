import { BlockStack, Modal, Text } from "@shopify/polaris";
import { useI18n } from "@/i18n/useI18n";
import type { Recipient } from "@/lib/api/types";
import styles from "./RecipientStory.module.css";

interface Step {
  at: string | null;
  text: string;
  detail?: string | null;
}

/** One person's way through the campaign, in order. */
export function RecipientStory({ recipient, close }: { recipient: Recipient; close: () => void }) {
  const { t, f } = useI18n();
  const { customer, events, order, state, reason, reply, accepted_at } = recipient;
  const sentText =
    state === "accepted"
      ? t("story.accepted")
      : reason
        ? t("story.excluded", { reason: t.code("exclusion", reason) })
        : t.code("status", state);
  const steps: Step[] = [
    { at: accepted_at ?? null, text: sentText, detail: reply ?? null },
    ...events.map((event) => ({
      at: event.at,
      text:
        event.verdict === "machine"
          ? t("story.machine", { event: t.code("event", event.kind) })
          : t.code("event", event.kind),
      detail: event.url ?? null,
    })),
    ...(order
      ? [{ at: null, text: t("story.ordered", { name: order.name, amount: f.money(order.revenue) }) }]
      : []),
  ];
  return (
    <Modal open onClose={close} title={customer.name || customer.email || t("customer.nameless")}>
      <Modal.Section>
        <BlockStack gap="400">
          <Text as="p" tone="subdued">
            {customer.email} · {t("customer.orders", { count: customer.orders_count })} ·{" "}
            {f.money(customer.total_spent)}
          </Text>
          <ol className={styles.steps}>
            {steps.map((step, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the steps are a finished sequence without ids
              <li key={index} className={styles.step}>
                <Text as="span" fontWeight="semibold">
                  {step.text}
                </Text>
                {step.at && (
                  <Text as="span" variant="bodySm" tone="subdued">
                    {f.dateTime(step.at)}
                  </Text>
                )}
                {step.detail && <code>{step.detail}</code>}
              </li>
            ))}
          </ol>
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
