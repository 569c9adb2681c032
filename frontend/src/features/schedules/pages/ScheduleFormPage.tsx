import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { ErrorState } from "@/components/ErrorState";
import { Page } from "@/components/Page";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { ApiError } from "@/lib/api/errors";
import { openJobsQuery, schedulesQuery } from "../api";
import { ScheduleForm } from "../components/ScheduleForm";

/** A new schedule, or one that a person made. */
export function ScheduleFormPage() {
  const { t } = useI18n();
  const { scheduleId } = useParams();
  const jobs = useQuery(openJobsQuery);
  // The list holds all there is to know of one; it is not read again while somebody types over it.
  const list = useQuery({ ...schedulesQuery, enabled: scheduleId !== undefined, refetchInterval: false });
  const schedule = list.data?.find((one) => String(one.id) === scheduleId);
  const isGone = scheduleId !== undefined && list.data !== undefined && !schedule;
  const error =
    jobs.error ??
    list.error ??
    (isGone ? new ApiError({ status: 404, code: "not_found", title: t("error.not_found") }) : null);
  const isReady = jobs.data !== undefined && (scheduleId === undefined || schedule !== undefined);
  return (
    <Page
      title={schedule ? schedule.title : t("schedules.new")}
      backAction={{ content: t("schedules.title"), url: "/tasks/schedules" }}
    >
      {isReady && jobs.data ? (
        <ScheduleForm jobs={jobs.data} schedule={schedule ?? null} />
      ) : error ? (
        <ErrorState
          error={error}
          retry={() => {
            void jobs.refetch();
            if (scheduleId) void list.refetch();
          }}
          retrying={jobs.isFetching || list.isFetching}
        />
      ) : (
        <LoadingRegion>
          <CardSkeleton lines={8} />
        </LoadingRegion>
      )}
    </Page>
  );
}
