import { Card, Checkbox, FormLayout, Select, Text, TextField } from "@shopify/polaris";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { SaveBar } from "@/components/SaveBar";
import { useI18n } from "@/i18n/useI18n";
import type { ContactPolicy, ContactPolicyInput } from "@/lib/api/types";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";
import { useMay } from "@/lib/useSession";
import { useToast } from "@/lib/useToast";
import { useSavePolicy } from "../api";

const POINTERS = [
  "/frequency_cap",
  "/quiet_hours",
  "/holdout_percent",
  "/hourly_limit",
  "/domain_hourly_limit",
  "/warm_up",
];
const CAP = { messages: 2, days: 7 };
const NIGHT = { begins: "21:00", ends: "08:00" };
const HOURLY = 1_000;
const today = () => new Date().toISOString().slice(0, 10);

/** The rules as one form: what is switched off keeps no numbers. */
export function PolicyForm({ policy }: { policy: ContactPolicy }) {
  const { t } = useI18n();
  const showToast = useToast();
  const mayManage = useMay("manage");
  const { timezone, ...stored } = policy;
  const [draft, setDraft] = useState<ContactPolicyInput>(stored);
  const save = useSavePolicy();
  const set = (change: Partial<ContactPolicyInput>) => setDraft((before) => ({ ...before, ...change }));
  const error = (pointer: string) => fieldError(save.error, pointer);
  const cap = draft.frequency_cap;
  const quiet = draft.quiet_hours;
  const warmUp = draft.warm_up;

  const number = (label: string, value: number, change: (value: number) => void, pointer: string) => (
    <TextField
      label={label}
      type="number"
      min={0}
      value={String(value)}
      onChange={(text) => change(Number(text))}
      error={error(pointer)}
      disabled={!mayManage}
      autoComplete="off"
    />
  );
  const clock = (label: string, name: "begins" | "ends") =>
    quiet && (
      <TextField
        label={label}
        type="time"
        value={quiet[name]}
        onChange={(value) => set({ quiet_hours: { ...quiet, [name]: value } })}
        error={error(`/quiet_hours/${name}`)}
        disabled={!mayManage}
        autoComplete="off"
      />
    );

  return (
    <Card>
      <SaveBar
        dirty={JSON.stringify(draft) !== JSON.stringify(stored)}
        saving={save.isPending}
        onSave={() => save.mutate(draft, { onSuccess: () => showToast(t("policy.saved")) })}
        onDiscard={() => {
          setDraft(stored);
          save.reset();
        }}
      />
      <FormLayout>
        {hasOtherProblem(save.error, POINTERS) && (
          <ErrorState error={save.error} title={t("policy.failed")} />
        )}
        <Checkbox
          label={t("policy.cap")}
          helpText={t("policy.cap_help")}
          checked={cap != null}
          disabled={!mayManage}
          onChange={(on) => set({ frequency_cap: on ? CAP : null })}
        />
        {cap && (
          <FormLayout.Group>
            {number(
              t("policy.cap_messages"),
              cap.messages,
              (messages) => set({ frequency_cap: { ...cap, messages } }),
              "/frequency_cap/messages",
            )}
            {number(
              t("policy.cap_days"),
              cap.days,
              (days) => set({ frequency_cap: { ...cap, days } }),
              "/frequency_cap/days",
            )}
          </FormLayout.Group>
        )}
        <Checkbox
          label={t("policy.quiet")}
          helpText={t("policy.quiet_help", { zone: timezone })}
          checked={quiet != null}
          disabled={!mayManage}
          onChange={(on) => set({ quiet_hours: on ? NIGHT : null })}
        />
        {quiet && (
          <FormLayout.Group>
            {clock(t("policy.quiet_begins"), "begins")}
            {clock(t("policy.quiet_ends"), "ends")}
          </FormLayout.Group>
        )}
        <Checkbox
          label={t("policy.hourly")}
          checked={draft.hourly_limit != null}
          disabled={!mayManage}
          onChange={(on) => set({ hourly_limit: on ? HOURLY : null })}
        />
        {draft.hourly_limit != null &&
          number(
            t("policy.hourly_limit"),
            draft.hourly_limit,
            (hourly_limit) => set({ hourly_limit }),
            "/hourly_limit",
          )}
        <Checkbox
          label={t("policy.domain_hourly")}
          helpText={t("policy.domain_hourly_help")}
          checked={draft.domain_hourly_limit != null}
          disabled={!mayManage}
          onChange={(on) => set({ domain_hourly_limit: on ? HOURLY : null })}
        />
        {draft.domain_hourly_limit != null &&
          number(
            t("policy.domain_hourly_limit"),
            draft.domain_hourly_limit,
            (domain_hourly_limit) => set({ domain_hourly_limit }),
            "/domain_hourly_limit",
          )}
        <Checkbox
          label={t("policy.warm_up")}
          helpText={t("policy.warm_up_help")}
          checked={warmUp != null}
          disabled={!mayManage}
          onChange={(on) =>
            set({ warm_up: on ? { starts_on: today(), first_day: 500, growth_percent: 50 } : null })
          }
        />
        {warmUp && (
          <FormLayout.Group>
            <TextField
              label={t("policy.warm_up_from")}
              type="date"
              value={warmUp.starts_on}
              onChange={(starts_on) => set({ warm_up: { ...warmUp, starts_on } })}
              error={error("/warm_up/starts_on")}
              disabled={!mayManage}
              autoComplete="off"
            />
            {number(
              t("policy.warm_up_first"),
              warmUp.first_day,
              (first_day) => set({ warm_up: { ...warmUp, first_day } }),
              "/warm_up/first_day",
            )}
            {number(
              t("policy.warm_up_growth"),
              warmUp.growth_percent,
              (growth_percent) => set({ warm_up: { ...warmUp, growth_percent } }),
              "/warm_up/growth_percent",
            )}
          </FormLayout.Group>
        )}
        <FormLayout.Group>
          {number(
            t("policy.holdout"),
            draft.holdout_percent ?? 0,
            (holdout_percent) => set({ holdout_percent }),
            "/holdout_percent",
          )}
          <Select
            label={t("policy.season")}
            options={[
              { value: "quarter", label: t("policy.season.quarter") },
              { value: "year", label: t("policy.season.year") },
            ]}
            value={draft.holdout_season ?? "quarter"}
            disabled={!mayManage}
            onChange={(season) => set({ holdout_season: season === "year" ? "year" : "quarter" })}
          />
        </FormLayout.Group>
        <Text as="p" tone="subdued">
          {t("policy.holdout_help")}
        </Text>
      </FormLayout>
    </Card>
  );
}
