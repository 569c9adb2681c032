import { BlockStack, Link, Text } from "@shopify/polaris";
import { Facts } from "@/components/Facts";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useActor } from "@/lib/useActor";
import { useNow } from "@/lib/useNow";
import type { FleetCommand, ProcessRow } from "../api";
import { Orphans } from "./Orphans";
import styles from "./ProcessList.module.css";

/** What runs in each child, what the process holds, what was asked of it, and what it left behind. */
export function ProcessDetails({ process }: { process: ProcessRow }) {
  const { t, f } = useI18n();
  const isWorker = process.kind === "worker";
  return (
    <div className={styles.details}>
      {isWorker && (
        <BlockStack gap="200">
          <Text as="h3" variant="headingSm">
            {t("fleet.children")}
          </Text>
          <Children process={process} />
        </BlockStack>
      )}
      <BlockStack gap="200">
        <Text as="h3" variant="headingSm">
          {t("fleet.facts")}
        </Text>
        <Facts
          facts={[
            [t("workers.column.started"), <TimeAgo key="started" at={process.started_at} />],
            [t("workers.column.version"), process.version || "–"],
            [t("workers.column.done"), f.number(process.done)],
            ...(isWorker
              ? ([
                  [t("fleet.pool"), process.pool || "–"],
                  [t("fleet.prefetched"), f.number(process.prefetched)],
                ] as const)
              : []),
            [
              t("fleet.broker"),
              process.broker_age_s === null
                ? "–"
                : t("fleet.broker_age", { time: f.duration(process.broker_age_s * 1000) }),
            ],
            [t("fleet.dropped"), f.number(process.dropped)],
          ]}
        />
      </BlockStack>
      {process.commands.length > 0 && (
        <div className={styles.wide}>
          <BlockStack gap="200">
            <Text as="h3" variant="headingSm">
              {t("fleet.commands")}
            </Text>
            <ul className={styles.commands}>
              {process.commands.map((command) => (
                <Command key={command.id} command={command} />
              ))}
            </ul>
          </BlockStack>
        </div>
      )}
      {process.orphans > 0 && (
        <div className={styles.wide}>
          <Orphans name={process.name} count={process.orphans} />
        </div>
      )}
    </div>
  );
}

function Children({ process }: { process: ProcessRow }) {
  const { t, f } = useI18n();
  const now = useNow(
    1_000,
    process.children.some((child) => child.job !== null),
  );
  if (process.children.length === 0) {
    return (
      <Text as="p" tone="subdued">
        {t("fleet.no_children")}
      </Text>
    );
  }
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          <th scope="col">{t("fleet.child.pid")}</th>
          <th scope="col">{t("workers.column.memory")}</th>
          <th scope="col">{t("fleet.child.job")}</th>
        </tr>
      </thead>
      <tbody>
        {process.children.map(({ pid, rss_mib, job }) => (
          <tr key={pid}>
            <td>{pid}</td>
            <td>{t("workers.mib", { size: Math.round(rss_mib) })}</td>
            <td>
              {job ? (
                <>
                  <Link url={`/tasks/${job.id}`}>{t.code("jobs", job.name)}</Link>
                  <span className={styles.small}>
                    {job.started_at && ` ${f.duration(Math.max(0, now - Date.parse(job.started_at)))}`}
                    {job.shop_domain && ` · ${job.shop_domain}`}
                  </span>
                </>
              ) : (
                <span className={styles.small}>{t("fleet.child.idle")}</span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What was asked, by whom, and the process' own answer to it. */
function Command({ command }: { command: FleetCommand }) {
  const { t, f } = useI18n();
  const actor = useActor();
  const what =
    command.action === "resize"
      ? t("fleet.command.resize", { slots: command.slots ?? 0 })
      : t(`fleet.command.${command.action}`);
  return (
    <li>
      {what} · {actor(command.asked_by)} · <TimeAgo at={command.asked_at} /> ·{" "}
      {command.error ? (
        <Text as="span" tone="critical">
          {command.error}
        </Text>
      ) : command.done_at ? (
        t("fleet.command.done", {
          time: f.duration(Math.max(0, Date.parse(command.done_at) - Date.parse(command.asked_at))),
        })
      ) : (
        t("fleet.command.waiting")
      )}
    </li>
  );
}
