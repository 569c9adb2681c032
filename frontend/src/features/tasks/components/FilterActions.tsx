import { Button, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import { bulk, countQuery } from "../api";
import { actionsForState, type BulkAction } from "../states";
import type { RunFilter } from "../useRunFilter";
import { MassModal } from "./MassModal";

/** What can be done with everything that the filter finds, not only with what is on this page. */
export function FilterActions({ filter }: { filter: RunFilter }) {
  const { t, f } = useI18n();
  const [action, setAction] = useState<BulkAction | null>(null);
  const count = useQuery(countQuery(filter)).data;
  const actions = actionsForState(filter.state);
  if (actions.length === 0 || !count || count.count === 0) return null;
  const words = count.capped
    ? t("filter_act.all_capped", { number: count.count })
    : t("filter_act.all", { count: count.count });
  return (
    <>
      <span>{words}</span>
      {actions.map((one) => (
        <Button key={one} size="slim" onClick={() => setAction(one)}>
          {t(`bulk.${one}`)}
        </Button>
      ))}
      {action && (
        <MassModal
          action={action}
          title={t(`filter_act.title.${action}`)}
          subject={`${filter.state}|${filter.q}`}
          about={
            <Text as="p">
              {t("filter_act.about", {
                state: filter.state ? t(`run_state.${filter.state}`) : t("runs.all"),
                search: filter.q || t("filter_act.no_search"),
                found: count.capped ? `${f.number(count.count)}+` : f.number(count.count),
              })}
            </Text>
          }
          run={(input) => bulk({ ...input, action, q: filter.q, state: filter.state || null })}
          onClose={() => setAction(null)}
        />
      )}
    </>
  );
}
