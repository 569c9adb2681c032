import { TextField } from "@shopify/polaris";
import { useState } from "react";
import { ActModal } from "@/components/ActModal";
import { useI18n } from "@/i18n/useI18n";
import { fieldError } from "@/lib/fieldErrors";
import { useToast } from "@/lib/useToast";
import { type CommandAction, type ProcessRow, useCommand } from "../api";

interface Props {
  process: ProcessRow;
  action: CommandAction;
  onClose: () => void;
}

/** Names what will happen to which process before it is asked. */
export function CommandModal({ process, action, onClose }: Props) {
  const { t } = useI18n();
  const toast = useToast();
  const command = useCommand(process.name);
  const [slots, setSlots] = useState(String(process.slots));
  const [isWrong, setWrong] = useState(false);
  const isResize = action === "resize";

  function ask(reason: string) {
    const count = Number(slots);
    if (isResize && !(Number.isInteger(count) && count > 0)) {
      setWrong(true);
      return;
    }
    command.mutate(
      { action, ...(isResize ? { slots: count } : {}), ...(reason ? { reason } : {}) },
      {
        onSuccess: () => {
          toast(t("fleet.asked", { name: process.name }));
          onClose();
        },
      },
    );
  }

  return (
    <ActModal
      title={t(`fleet.confirm.${action}`, { name: process.name })}
      consequence={t(`fleet.consequence.${action}`, { count: process.busy, slots: process.slots })}
      action={t(`fleet.action.${action}`)}
      destructive={action === "stop"}
      reason="optional"
      error={command.error}
      pointers={["/slots"]}
      isPending={command.isPending}
      onAct={ask}
      onClose={onClose}
    >
      {isResize && (
        <TextField
          label={t("fleet.slots")}
          type="number"
          min={1}
          value={slots}
          autoComplete="off"
          error={isWrong ? t("fleet.slots_wrong") : fieldError(command.error, "/slots")}
          onChange={(value) => {
            setSlots(value);
            setWrong(false);
          }}
        />
      )}
    </ActModal>
  );
}
