import { ActModal } from "@/components/ActModal";
import { useI18n } from "@/i18n/useI18n";
import { useToast } from "@/lib/useToast";
import { type QueueRow, usePauseJob, usePauseQueue } from "../api";

export function PauseModal({ queue, onClose }: { queue: QueueRow; onClose: () => void }) {
  const { t } = useI18n();
  const toast = useToast();
  const pause = usePauseQueue(queue.name);
  const name = t.code("queue", queue.name);
  return (
    <ActModal
      title={t("queue_page.pause_title", { queue: name })}
      consequence={t("queue_page.pause_body", { count: queue.running, depth: queue.depth })}
      action={t("queue_page.pause")}
      destructive
      reason="required"
      error={pause.error}
      isPending={pause.isPending}
      onAct={(reason) =>
        pause.mutate(reason, {
          onSuccess: () => {
            toast(t("queue_page.paused", { queue: name }));
            onClose();
          },
        })
      }
      onClose={onClose}
    />
  );
}

/** A kind of job: its runs wait, whatever queue they are in. */
export function PauseJobModal({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useI18n();
  const toast = useToast();
  const pause = usePauseJob(name);
  const title = t.code("jobs", name);
  return (
    <ActModal
      title={t("queue_page.pause_title", { queue: title })}
      consequence={t("limits.pause_job_body")}
      action={t("queue_page.pause")}
      destructive
      reason="required"
      error={pause.error}
      isPending={pause.isPending}
      onAct={(reason) =>
        pause.mutate(reason, {
          onSuccess: () => {
            toast(t("queue_page.paused", { queue: title }));
            onClose();
          },
        })
      }
      onClose={onClose}
    />
  );
}
