import { Badge, InlineStack, Text } from "@shopify/polaris";
import { RowMenu } from "@/components/RowMenu";
import type { Translate } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import { useActor } from "@/lib/useActor";
import { useMay } from "@/lib/useSession";
import type { Schedule, ScheduleAction } from "../api";
import { usualDriftMs } from "../outcome";
import { NextRuns } from "./NextRuns";
import { ResultDots } from "./ResultDots";
import styles from "./ScheduleItem.module.css";

interface Props {
  schedule: Schedule;
  onAct: (action: ScheduleAction) => void;
  onEdit: () => void;
  onDelete: () => void;
}

export function ScheduleItem({ schedule, onAct, onEdit, onDelete }: Props) {
  const { t, f } = useI18n();
  const mayOperate = useMay("operate");
  const actor = useActor();
  const drift = usualDriftMs(schedule.last_results);
  const [next] = schedule.next_runs;
  const title = scheduleTitle(schedule, t.code);
  const when = schedule.cron ?? t("schedules.every", { time: f.duration((schedule.interval_s ?? 0) * 1000) });
  return (
    <li className={styles.item}>
      <div className={styles.head}>
        <InlineStack gap="200" blockAlign="center">
          <Text as="h3" variant="headingSm">
            {title}
          </Text>
          {schedule.missed > 0 && (
            <Badge tone="critical">{t("schedules.missed", { count: schedule.missed })}</Badge>
          )}
          {schedule.paused_at && <Badge tone="warning">{t("status.paused")}</Badge>}
          {schedule.skip_next && <Badge tone="attention">{t("schedules.skips_next")}</Badge>}
          <Badge>{t(`schedules.source.${schedule.source}`)}</Badge>
        </InlineStack>
        <p className={styles.small}>
          <code>{schedule.job_name}</code>
          {schedule.shop_domain && <> · {schedule.shop_domain}</>}
          {schedule.source === "user" && <> · {t("actor.by", { who: actor(schedule.created_by, "by") })}</>}
        </p>
      </div>
      <div>
        <p className={styles.label}>{t("schedules.when")}</p>
        <p className={styles.words}>{schedule.words}</p>
        <p className={styles.small}>
          <code>{when}</code> · {schedule.timezone}
        </p>
        <p className={styles.small}>
          {t(`schedules.overlap.${schedule.overlap}`)} · {t(`schedules.catch_up.${schedule.catch_up}`)}
        </p>
      </div>
      <div>
        <p className={styles.label}>{t("schedules.next")}</p>
        {schedule.paused_at ? (
          <p className={styles.words}>{t("schedules.not_while_paused")}</p>
        ) : (
          <>
            <p className={styles.words}>{next ? f.relative(next.at_utc) : t("schedules.no_next")}</p>
            {next && <NextRuns runs={[next]} timezone={schedule.timezone} />}
            {schedule.next_runs.length > 1 && (
              <details className={styles.more}>
                <summary>{t("schedules.show_next", { count: schedule.next_runs.length - 1 })}</summary>
                <NextRuns runs={schedule.next_runs.slice(1)} timezone={schedule.timezone} />
              </details>
            )}
          </>
        )}
      </div>
      <div>
        <p className={styles.label}>{t("schedules.last")}</p>
        <ResultDots results={schedule.last_results} />
        <p className={styles.small}>
          {drift === null ? "" : t("schedules.drift", { time: f.duration(drift) })}
        </p>
      </div>
      <div className={styles.menu}>
        {mayOperate && (
          <RowMenu
            label={t("schedules.actions_of", { title })}
            actions={[
              { content: t("schedules.run_now"), onAction: () => onAct("run") },
              schedule.skip_next
                ? { content: t("schedules.unskip"), onAction: () => onAct("unskip") }
                : {
                    content: t("schedules.skip"),
                    onAction: () => onAct("skip"),
                    disabled: schedule.paused_at !== null,
                  },
              schedule.paused_at
                ? { content: t("schedules.resume"), onAction: () => onAct("resume") }
                : { content: t("schedules.pause"), onAction: () => onAct("pause") },
              ...(schedule.source === "user"
                ? [
                    { content: t("schedules.edit"), onAction: onEdit },
                    { content: t("schedules.delete"), onAction: onDelete, destructive: true },
                  ]
                : []),
            ]}
          />
        )}
      </div>
    </li>
  );
}

/** A person's own words; what the program declares is named in the reader's language. */
export function scheduleTitle(schedule: Schedule, code: Translate["code"]): string {
  return schedule.title_key ? code("jobs", schedule.job_name, {}, schedule.title) : schedule.title;
}
