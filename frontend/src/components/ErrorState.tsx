import { Banner, BlockStack, Button, InlineStack, Text } from "@shopify/polaris";
import { useState } from "react";
import type { Translate } from "@/i18n/translate";
import { useI18n } from "@/i18n/useI18n";
import { type ApiError, asApiError } from "@/lib/api/errors";
import { isEmbedded, isFramed } from "@/lib/appBridge";
import { signInAgain } from "@/lib/signIn";

interface Props {
  error: unknown;
  retry?: () => void;
  retrying?: boolean;
  /** The page still shows what it read before. */
  stale?: boolean;
  title?: string;
}

function explain(problem: ApiError, t: Translate, maySignIn: boolean): string {
  if (problem.code === "network") return t("error.network");
  if (problem.status === 401) return t(maySignIn ? "error.signed_out" : "error.not_signed_in");
  if (problem.status === 403) return t("error.forbidden");
  if (problem.status === 404) return t("error.not_found");
  if (problem.status >= 500) return t("error.server");
  return problem.message;
}

/** What happened, what was kept, what to do, and the request id to hand to support. */
export function ErrorState({ error, retry, retrying = false, stale = false, title }: Props) {
  const { t } = useI18n();
  const [copied, setCopied] = useState(false);
  const problem = asApiError(error);
  // A session that ended is nothing that support could look into.
  const maySignIn = problem.status === 401 && !isEmbedded() && !isFramed();
  const heading = maySignIn
    ? t("error.signed_out_title")
    : (title ?? (stale ? t("error.stale") : t("error.title")));

  async function copy(requestId: string) {
    await navigator.clipboard?.writeText(requestId);
    setCopied(true);
  }

  return (
    <Banner tone={maySignIn ? "info" : stale ? "warning" : "critical"} title={heading}>
      <BlockStack gap="300">
        <Text as="p">{explain(problem, t, maySignIn)}</Text>
        {problem.fields.length > 0 && (
          <ul>
            {problem.fields.map((field) => (
              <li key={`${field.pointer}${field.code}`}>{field.message}</li>
            ))}
          </ul>
        )}
        <InlineStack gap="300" blockAlign="center">
          {retry && !maySignIn && (
            <Button onClick={retry} loading={retrying}>
              {t("action.retry")}
            </Button>
          )}
          {maySignIn && <Button onClick={signInAgain}>{t("action.sign_in")}</Button>}
          {problem.requestId && !maySignIn && (
            <InlineStack gap="100" blockAlign="center">
              <Text as="span" variant="bodySm">
                {t("error.request_id")} <code>{problem.requestId}</code>
              </Text>
              <Button variant="plain" onClick={() => void copy(problem.requestId ?? "")}>
                {copied ? t("action.copied") : t("action.copy")}
              </Button>
            </InlineStack>
          )}
        </InlineStack>
      </BlockStack>
    </Banner>
  );
}
