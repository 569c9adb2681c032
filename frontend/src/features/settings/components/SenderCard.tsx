import { BlockStack, Card, FormLayout, InlineStack, Text, TextField } from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { SaveBar } from "@/components/SaveBar";
import { StateBadge } from "@/components/StateBadge";
import { useI18n } from "@/i18n/useI18n";
import { asApiError } from "@/lib/api/errors";
import type { Settings } from "@/lib/api/types";
import { useToast } from "@/lib/useToast";
import { useSaveSender } from "../api";

export function SenderCard({ sender }: { sender: Settings["sender"] }) {
  const { t } = useI18n();
  const showToast = useToast();
  const saved = { name: sender.name ?? "", email: sender.email ?? "" };
  const [name, setName] = useState(saved.name);
  const [email, setEmail] = useState(saved.email);
  const [asked, setAsked] = useState(false);
  const save = useSaveSender();
  const problem = save.error ? asApiError(save.error) : null;
  const errorOf = (pointer: string) => problem?.fields.find((field) => field.pointer === pointer)?.message;
  const nameError = asked && !name.trim() ? t("settings.sender.name_missing") : errorOf("/name");
  const emailError =
    asked && !/^\S+@\S+\.\S+$/.test(email.trim()) ? t("settings.sender.email_wrong") : errorOf("/email");

  function onSave() {
    setAsked(true);
    if (!name.trim() || !/^\S+@\S+\.\S+$/.test(email.trim())) return;
    save.mutate(
      { name: name.trim(), email: email.trim() },
      { onSuccess: () => showToast(t("settings.sender.saved")) },
    );
  }

  function onDiscard() {
    setName(saved.name);
    setEmail(saved.email);
    setAsked(false);
    save.reset();
  }

  return (
    <Card>
      <SaveBar
        dirty={name !== saved.name || email !== saved.email}
        saving={save.isPending}
        onSave={onSave}
        onDiscard={onDiscard}
      />
      <BlockStack gap="400">
        <InlineStack gap="200" blockAlign="center">
          <StateBadge state={sender.verified ? "verified" : "unverified"} />
          <Text as="span">
            {sender.verified ? t("settings.sender.verified") : t("settings.sender.unverified")}
          </Text>
        </InlineStack>
        {problem && problem.fields.length === 0 && (
          <ErrorState error={problem} title={t("settings.sender.failed")} />
        )}
        <FormLayout>
          <TextField
            label={t("settings.sender.name")}
            value={name}
            onChange={setName}
            error={nameError}
            autoComplete="organization"
          />
          <TextField
            label={t("settings.sender.email")}
            type="email"
            value={email}
            onChange={setEmail}
            error={emailError}
            autoComplete="email"
          />
        </FormLayout>
      </BlockStack>
    </Card>
  );
}
