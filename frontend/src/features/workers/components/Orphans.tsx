import { BlockStack, Link, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { StateBadge } from "@/components/StateBadge";
import { TimeAgo } from "@/components/TimeAgo";
import { useI18n } from "@/i18n/useI18n";
import { orphansQuery } from "../api";
import styles from "./ProcessList.module.css";

/** Tasks whose worker went away under them, and what became of each. */
export function Orphans({ name, count }: { name: string; count: number }) {
  const { t } = useI18n();
  const query = useQuery(orphansQuery(name));
  return (
    <BlockStack gap="200">
      <Text as="h3" variant="headingSm">
        {t("fleet.orphans", { count })}
      </Text>
      <QueryView
        query={query}
        skeleton={
          <LoadingRegion>
            <CardSkeleton lines={2} />
          </LoadingRegion>
        }
      >
        {(orphans) => (
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col">{t("fleet.orphan.task")}</th>
                <th scope="col">{t("fleet.orphan.outcome")}</th>
                <th scope="col">{t("fleet.orphan.now")}</th>
              </tr>
            </thead>
            <tbody>
              {orphans.map((orphan) => (
                <tr key={`${orphan.job_id}:${orphan.attempt}`}>
                  <td>
                    <Link url={`/tasks/${orphan.job_id}`}>{t.code("jobs", orphan.name)}</Link>
                    <span className={styles.small}>
                      {" "}
                      {[orphan.shop_domain, t("fleet.orphan.attempt", { number: orphan.attempt })]
                        .filter(Boolean)
                        .join(" · ")}
                    </span>
                  </td>
                  <td>
                    {t.code("fleet.orphan.outcome", orphan.outcome)}{" "}
                    <span className={styles.small}>
                      <TimeAgo at={orphan.at} />
                    </span>
                  </td>
                  <td className={styles.short}>{orphan.state ? <StateBadge state={orphan.state} /> : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </QueryView>
    </BlockStack>
  );
}
