import { SkeletonBodyText, Text } from "@shopify/polaris";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ActModal } from "@/components/ActModal";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { useToast } from "@/lib/useToast";
import { type ReplayRequest, replay, webhooksKey } from "../api";

const CAP = 1_000;

/** Counts first what would be handled again; handling twice changes nothing that is newer. */
export function ReplayModal({ request, onClose }: { request: ReplayRequest; onClose: () => void }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const toast = useToast();
  const count = useQuery({
    queryKey: [...webhooksKey, "count", request],
    queryFn: () => replay({ ...request, cap: CAP, dry_run: true }),
    gcTime: 0,
  });
  const act = useMutation({
    mutationFn: () => replay({ ...request, cap: CAP, dry_run: false }),
    onSuccess: async (answer) => {
      toast(t("webhooks.replay.done", { count: answer.replayed }));
      onClose();
      await client.invalidateQueries({ queryKey: webhooksKey });
    },
  });
  const matched = count.data?.matched ?? 0;
  const isOne = request.ids?.length === 1;
  return (
    <ActModal
      title={t(isOne ? "webhooks.replay.title_one" : "webhooks.replay.title")}
      action={t("webhooks.replay.action", { count: Math.min(matched, CAP) })}
      consequence={t(isOne ? "webhooks.replay.body_one" : "webhooks.replay.body")}
      error={act.error}
      isPending={act.isPending || count.isPending}
      onAct={() => act.mutate()}
      onClose={onClose}
    >
      {count.error ? (
        <ErrorState error={count.error} retry={() => void count.refetch()} retrying={count.isFetching} />
      ) : count.data ? (
        <Text as="p" fontWeight="semibold">
          {t("webhooks.replay.found", { count: matched })}
          {matched > CAP && ` ${t("webhooks.replay.capped", { number: CAP })}`}
        </Text>
      ) : (
        <SkeletonBodyText lines={1} />
      )}
    </ActModal>
  );
}
