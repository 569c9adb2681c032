import { Badge, Card, Icon, InlineStack, Text } from "@shopify/polaris";
import { ChevronDownIcon, ChevronUpIcon } from "@shopify/polaris-icons";
import { type ReactNode, useId, useState } from "react";
import { Meter } from "@/components/Meter";
import { RowMenu } from "@/components/RowMenu";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { useMay } from "@/lib/useSession";
import type { CommandAction, ProcessRow } from "../api";
import { CommandModal } from "./CommandModal";
import { ProcessDetails } from "./ProcessDetails";
import styles from "./ProcessList.module.css";

const WORST_FIRST = ["lost", "late", "ok"];

interface Props {
  processes: readonly ProcessRow[];
  newest: string | null;
}

/** Every process, those in trouble first; each opens to what runs in it and what was asked of it. */
export function ProcessList({ processes, newest }: Props) {
  const { t } = useI18n();
  const [asked, setAsked] = useState<{ name: string; action: CommandAction } | null>(null);
  const rows = [...processes].sort(
    (a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state) || a.name.localeCompare(b.name),
  );
  const chosen = processes.find((process) => process.name === asked?.name);
  return (
    <Card padding="0">
      <div className={styles.heads} aria-hidden="true">
        <span>{t("workers.column.name")}</span>
        <span>{t("workers.column.queues")}</span>
        <span>{t("workers.column.busy")}</span>
        <span>{t("workers.column.memory")}</span>
        <span>{t("fleet.rate")}</span>
        <span>{t("fleet.last_job")}</span>
      </div>
      <ul className={styles.list} aria-label={t("workers.processes")}>
        {rows.map((process) => (
          <Process
            key={process.name}
            process={process}
            newest={newest}
            onAsk={(action) => setAsked({ name: process.name, action })}
          />
        ))}
      </ul>
      {chosen && asked && (
        <CommandModal process={chosen} action={asked.action} onClose={() => setAsked(null)} />
      )}
    </Card>
  );
}

function actionsOf(process: ProcessRow): CommandAction[] {
  if (process.kind !== "worker" || process.state === "lost") return [];
  return [process.draining ? "resume" : "drain", "resize", "stop"];
}

function Figure({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={styles.figure} data-none={children === "–" || undefined}>
      <span className={styles.label}>{label}</span>
      <span className={styles.value}>{children}</span>
    </div>
  );
}

interface ProcessProps {
  process: ProcessRow;
  newest: string | null;
  onAsk: (action: CommandAction) => void;
}

function Process({ process, newest, onAsk }: ProcessProps) {
  const { t, f } = useI18n();
  const id = useId();
  const mayOperate = useMay("operate");
  // What is lost explains itself without being asked.
  const [isOpen, setOpen] = useState(process.state === "lost");
  const isWorker = process.kind === "worker";
  const actions = mayOperate ? actionsOf(process) : [];
  const waiting = process.commands.find((command) => command.done_at === null && command.error === null);
  return (
    <li className={styles.item} data-state={process.state}>
      <div className={styles.row}>
        <div className={styles.name}>
          <InlineStack gap="200" blockAlign="center">
            <button
              type="button"
              className={styles.toggle}
              aria-expanded={isOpen}
              aria-controls={id}
              onClick={() => setOpen(!isOpen)}
            >
              <span className={styles.chevron}>
                <Icon source={isOpen ? ChevronUpIcon : ChevronDownIcon} />
              </span>
              {process.name}
            </button>
            <StateBadge state={process.state} />
            {process.draining && <Badge tone="attention">{t("fleet.draining")}</Badge>}
            {process.outdated && (
              <Badge tone="warning">
                {t("fleet.outdated", { version: process.version, newest: newest ?? "–" })}
              </Badge>
            )}
            {waiting && <Badge tone="info">{t(`fleet.asked.${waiting.action}`)}</Badge>}
          </InlineStack>
          <span className={styles.small}>
            {t.code("process", process.kind)} · {process.host}:{process.pid} · {t("fleet.beat")}{" "}
            <TimeAgo at={process.beat_at} />
          </span>
        </div>
        <Figure label={t("workers.column.queues")}>
          {process.queues.map((queue) => t.code("queue", queue)).join(", ") || "–"}
        </Figure>
        <Figure label={t("workers.column.busy")}>
          {process.slots > 0 ? (
            <>
              {t("workers.busy", { busy: process.busy, slots: process.slots })}
              <Meter
                share={process.busy / process.slots}
                label={t("fleet.busy_of", { name: process.name })}
              />
            </>
          ) : (
            "–"
          )}
        </Figure>
        <Figure label={t("workers.column.memory")}>
          {t("workers.mib", { size: Math.round(process.rss_mib) })}
        </Figure>
        <Figure label={t("fleet.rate")}>{isWorker ? f.decimal(process.done_per_min) : "–"}</Figure>
        <Figure label={t("fleet.last_job")}>
          {process.last_job ? (
            <>
              {t.code("jobs", process.last_job)}
              <span className={styles.small}>
                <TimeAgo at={process.last_job_at} />
              </span>
            </>
          ) : (
            "–"
          )}
        </Figure>
        <div className={styles.menu}>
          {actions.length > 0 && (
            <RowMenu
              label={t("fleet.actions_of", { name: process.name })}
              actions={actions.map((action) => ({
                content: t(`fleet.action.${action}`),
                destructive: action === "stop",
                onAction: () => onAsk(action),
              }))}
            />
          )}
        </div>
      </div>
      {process.state === "lost" && (
        <Text as="p" variant="bodySm" tone="critical">
          {t("fleet.lost_note", { time: f.relative(process.beat_at) })}
        </Text>
      )}
      <div id={id} hidden={!isOpen}>
        {isOpen && <ProcessDetails process={process} />}
      </div>
    </li>
  );
}
