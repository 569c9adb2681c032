import { BlockStack, Button, Card, InlineStack, Link, Text, TextField } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { QueryView } from "@/components/QueryView";
import { TableSkeleton } from "@/components/Skeletons";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { fieldError } from "@/lib/fieldErrors";
import { useActor } from "@/lib/useActor";
import { useMay } from "@/lib/useSession";
import { deadGroupQuery, useAddNote } from "../deadLettersApi";
import styles from "./Notes.module.css";

/** What people wrote about this kind of failure; on a run's page new notes are tied to the run. */
export function Notes({ fingerprint, jobId }: { fingerprint: string; jobId?: string }) {
  const { t } = useI18n();
  const actor = useActor();
  const query = useQuery(deadGroupQuery(fingerprint));
  const add = useAddNote(fingerprint);
  const mayOperate = useMay("operate");
  const [body, setBody] = useState("");
  const problem = fieldError(add.error, "/body");

  function submit() {
    add.mutate({ body: body.trim(), ...(jobId ? { job_id: jobId } : {}) }, { onSuccess: () => setBody("") });
  }

  return (
    <Card>
      <BlockStack gap="300">
        <Text as="h2" variant="headingMd">
          {t("notes.title")}
        </Text>
        <QueryView
          query={query}
          skeleton={<TableSkeleton rows={2} />}
          isEmpty={(group) => group.note_list.length === 0}
          empty={
            <Text as="p" tone="subdued">
              {t("notes.none")}
            </Text>
          }
        >
          {(group) => (
            <ul className={styles.notes}>
              {group.note_list.map((note) => (
                <li key={note.id} className={styles.note}>
                  <p className={styles.body}>{note.body}</p>
                  <Text as="p" variant="bodySm" tone="subdued">
                    {actor(note.author)} · <TimeAgo at={note.created_at} />
                    {note.job_id && note.job_id !== jobId && (
                      <>
                        {" · "}
                        <Link url={`/tasks/${note.job_id}`}>{t("notes.of_run")}</Link>
                      </>
                    )}
                  </Text>
                </li>
              ))}
            </ul>
          )}
        </QueryView>
        {mayOperate && (
          <>
            <TextField
              label={t("notes.new")}
              value={body}
              onChange={setBody}
              multiline={2}
              maxLength={4000}
              autoComplete="off"
              error={problem}
            />
            {add.error && problem === undefined && (
              <ErrorState error={add.error} title={t("notes.refused")} />
            )}
            <InlineStack align="end">
              <Button disabled={body.trim() === ""} loading={add.isPending} onClick={submit}>
                {t("notes.add")}
              </Button>
            </InlineStack>
          </>
        )}
      </BlockStack>
    </Card>
  );
}
