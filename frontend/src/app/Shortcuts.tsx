import { BlockStack, InlineStack, Modal, Text } from "@shopify/polaris";
import { useEffect } from "react";
import { useNavigate } from "react-router";
import type { MessageKey } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import { SECTIONS } from "./navigation";

/** "g" then a letter goes to a section, as in the admin. */
const GO_TO: Record<string, string> = {
  h: "/",
  c: "/campaigns",
  p: "/customers",
  s: "/segments",
  a: "/analytics",
  t: "/tasks",
  w: "/workers",
};

/** A second key counts only while the first is still in mind. */
const SEQUENCE_MS = 1200;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

interface Props {
  open: boolean;
  setOpen: (open: boolean) => void;
}

/** Keyboard shortcuts: "/" searches, "?" lists them, "g" and a letter goes to a section. */
export function Shortcuts({ open, setOpen }: Props) {
  const { t } = useI18n();
  const navigate = useNavigate();

  useEffect(() => {
    let goPressedAt = 0;
    function onKey(event: KeyboardEvent) {
      if (isTyping(event.target) || event.metaKey || event.ctrlKey || event.altKey) return;
      const path = GO_TO[event.key];
      if (path && Date.now() - goPressedAt < SEQUENCE_MS) void navigate(path);
      else if (event.key === "?") setOpen(true);
      else if (event.key === "/") {
        const search = document.querySelector<HTMLInputElement>("input[type=search], [data-search] input");
        if (search) {
          event.preventDefault();
          search.focus();
        }
      }
      goPressedAt = event.key === "g" ? Date.now() : 0;
    }
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [navigate, setOpen]);

  const rows: [string, MessageKey][] = [
    ["/", "shortcuts.search"],
    ["?", "shortcuts.list"],
    ...Object.entries(GO_TO).flatMap(([key, path]): [string, MessageKey][] => {
      const section = SECTIONS.find((one) => one.path === path);
      return section ? [[`g ${key}`, section.key]] : [];
    }),
  ];
  return (
    <Modal open={open} onClose={() => setOpen(false)} title={t("nav.shortcuts")} size="small">
      <Modal.Section>
        <BlockStack gap="200">
          {rows.map(([keys, label]) => (
            <InlineStack key={keys} align="space-between">
              <Text as="span">{t(label)}</Text>
              <kbd>{keys}</kbd>
            </InlineStack>
          ))}
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
