import { Banner } from "@shopify/polaris";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { ApiError } from "@/lib/api/errors";
import { fieldError, hasOtherProblem } from "@/lib/fieldErrors";

/** What is wrong with the name: too long, or another template has it. */
export function nameError(error: unknown): string | undefined {
  if (error instanceof ApiError && error.code === "template_name_taken") return error.title;
  return fieldError(error, "/name");
}

/** Why a template was not saved, unless its name is the reason. */
export function TemplateRefusal({ error }: { error: unknown }) {
  const { t } = useI18n();
  if (error instanceof ApiError && error.code === "version_conflict")
    return <Banner tone="warning" title={t("template.changed")} />;
  if (nameError(error) !== undefined || !hasOtherProblem(error, ["/name"])) return null;
  return <ErrorState error={error} title={t("template.failed")} />;
}
