import { useMutation } from "@tanstack/react-query";
import { ActModal } from "@/components/ActModal";
import { useI18n } from "@/i18n/useI18n";
import { signOutEverywhere } from "@/lib/signIn";

/** Ends every browser session of the reader after they have agreed. */
export function SignOutEverywhereModal({ domain, onClose }: { domain: string; onClose: () => void }) {
  const { t } = useI18n();
  const leave = useMutation({ mutationFn: () => signOutEverywhere(domain) });
  return (
    <ActModal
      title={t("access.everywhere_title")}
      consequence={t("access.everywhere_body")}
      action={t("access.everywhere")}
      destructive
      error={leave.error}
      isPending={leave.isPending}
      onAct={() => leave.mutate()}
      onClose={onClose}
    />
  );
}
