import { ActionList, Button, Popover } from "@shopify/polaris";
import { MenuHorizontalIcon } from "@shopify/polaris-icons";
import { useState } from "react";

export interface RowAction {
  content: string;
  onAction: () => void;
  destructive?: boolean;
  disabled?: boolean;
}

/** What can be done to one row. */
export function RowMenu({ label, actions }: { label: string; actions: readonly RowAction[] }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Popover
      active={isOpen}
      onClose={() => setOpen(false)}
      preferredAlignment="right"
      activator={
        <Button
          icon={MenuHorizontalIcon}
          variant="tertiary"
          accessibilityLabel={label}
          onClick={() => setOpen(!isOpen)}
        />
      }
    >
      <ActionList
        actionRole="menuitem"
        items={actions.map(({ onAction, ...action }) => ({
          ...action,
          onAction: () => {
            setOpen(false);
            onAction();
          },
        }))}
      />
    </Popover>
  );
}
