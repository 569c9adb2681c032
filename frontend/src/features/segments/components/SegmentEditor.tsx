import { BlockStack, Card, Layout, Modal, Text, TextField } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useNavigate } from "react-router";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { SaveBar } from "@/components/SaveBar";
import { useI18n } from "@/i18n/useI18n";
import { asApiError } from "@/lib/api/errors";
import type { FieldGroup, Segment } from "@/lib/api/types";
import { conditionAt, fromRules, type Group, newGroup, toRules } from "@/lib/rules";
import { useDebounced } from "@/lib/useDebounced";
import { useToast } from "@/lib/useToast";
import { previewQuery, useDeleteSegment, useSaveSegment } from "../api";
import { Matches } from "./Matches";
import { RuleGroup } from "./RuleGroup";
import { SizeChart } from "./SizeChart";
import { Starters } from "./Starters";
import { WhyModal } from "./WhyModal";

/** Long enough not to count at every keystroke, short enough to feel live. */
const COUNT_AFTER_MS = 350;

interface Props {
  segment: Segment | null;
  groups: readonly FieldGroup[];
}

export function SegmentEditor({ segment, groups }: Props) {
  const { t } = useI18n();
  const navigate = useNavigate();
  const showToast = useToast();
  const saved = useMemo(
    () => ({ name: segment?.name ?? "", root: segment ? fromRules(segment.rules) : newGroup("all") }),
    [segment],
  );
  const [name, setName] = useState(saved.name);
  const [root, setRoot] = useState<Group>(saved.root);
  const [asked, setAsked] = useState(false);
  const [asking, setAsking] = useState<{ id: string; name: string } | null>(null);
  const [deleting, setDeleting] = useState(false);
  const fields = useMemo(
    () => new Map(groups.flatMap((group) => group.fields.map((one) => [one.key, one]))),
    [groups],
  );
  const written = useMemo(() => toRules(root, fields), [root, fields]);
  const before = useMemo(() => toRules(saved.root, fields), [saved, fields]);
  const rulesText = JSON.stringify(written.rules);
  const settled = useDebounced(rulesText, COUNT_AFTER_MS);
  const preview = useQuery(previewQuery(JSON.parse(settled), true));
  const save = useSaveSegment(segment?.id ?? null);
  const drop = useDeleteSegment(segment?.id ?? "");

  const changed =
    name !== saved.name || rulesText !== JSON.stringify(before.rules) || written.incomplete.size > 0;
  const left = (segment === null && save.isSuccess) || drop.isSuccess;
  const nameError = asked && name.trim() === "" ? t("segments.name_missing") : undefined;
  const complaints = useMemo(() => {
    const errors = new Map<string, string>();
    for (const field of asApiError(preview.error ?? save.error).fields) {
      const id = conditionAt(written, field.pointer);
      if (id) errors.set(id, field.message);
    }
    return errors;
  }, [preview.error, save.error, written]);

  useEffect(() => {
    if (segment === null && save.data) void navigate(`/segments/${save.data.id}`, { replace: true });
  }, [segment, save.data, navigate]);
  useEffect(() => {
    if (drop.isSuccess) void navigate("/segments", { replace: true });
  }, [drop.isSuccess, navigate]);

  function onSave() {
    setAsked(true);
    if (name.trim() === "" || written.incomplete.size > 0) return;
    save.mutate(
      { name: name.trim(), rules: written.rules },
      { onSuccess: () => showToast(t("segments.saved")) },
    );
  }

  function onDiscard() {
    setName(saved.name);
    setRoot(saved.root);
    setAsked(false);
    save.reset();
  }

  return (
    <Page
      title={segment ? segment.name : t("segments.new")}
      backAction={{ content: t("nav.segments"), url: "/segments" }}
      secondaryActions={
        segment
          ? [{ content: t("segments.delete"), destructive: true, onAction: () => setDeleting(true) }]
          : []
      }
    >
      <SaveBar dirty={changed && !left} saving={save.isPending} onSave={onSave} onDiscard={onDiscard} />
      <BlockStack gap="400">
        {save.error && <ErrorState error={save.error} title={t("segments.save_failed")} />}
        {drop.error && <ErrorState error={drop.error} title={t("segments.delete_failed")} />}
        <Layout>
          <Layout.Section>
            <BlockStack gap="400">
              {segment === null && root.children.length === 0 && (
                <Starters
                  choose={(starterName, rules) => {
                    setName(name || starterName);
                    setRoot(fromRules(rules));
                  }}
                />
              )}
              <Card>
                <BlockStack gap="400">
                  <TextField
                    label={t("segments.name")}
                    value={name}
                    onChange={setName}
                    error={nameError}
                    autoComplete="off"
                    maxLength={100}
                    placeholder={t("segments.name_example")}
                  />
                  <Text as="h2" variant="headingMd">
                    {t("segments.rules_title")}
                  </Text>
                  <RuleGroup
                    group={root}
                    root={root}
                    setRoot={setRoot}
                    groups={groups}
                    fields={fields}
                    complaints={complaints}
                    incomplete={asked ? written.incomplete : new Set()}
                    depth={0}
                  />
                </BlockStack>
              </Card>
            </BlockStack>
          </Layout.Section>
          <Layout.Section variant="oneThird">
            <BlockStack gap="400">
              <Matches
                query={preview}
                waiting={settled !== rulesText}
                incomplete={written.incomplete.size}
                onWhy={setAsking}
              />
              {segment && <SizeChart segmentId={segment.id} />}
            </BlockStack>
          </Layout.Section>
        </Layout>
      </BlockStack>
      {asking && (
        <WhyModal
          customer={asking}
          root={root}
          written={written}
          fields={fields}
          onClose={() => setAsking(null)}
        />
      )}
      <Modal
        open={deleting && segment !== null}
        onClose={() => setDeleting(false)}
        title={t("segments.delete_title", { name: segment?.name ?? "" })}
        primaryAction={{
          content: t("segments.delete"),
          destructive: true,
          loading: drop.isPending,
          onAction: () => drop.mutate(undefined, { onSettled: () => setDeleting(false) }),
        }}
        secondaryActions={[{ content: t("action.cancel"), onAction: () => setDeleting(false) }]}
      >
        <Modal.Section>
          <Text as="p">{t("segments.delete_body")}</Text>
        </Modal.Section>
      </Modal>
    </Page>
  );
}
