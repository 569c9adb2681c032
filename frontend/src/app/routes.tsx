import type { QueryClient } from "@tanstack/react-query";
import type { RouteObject } from "react-router";
import type { LoadedLocale } from "@/i18n/locales";
import { App } from "./App";
import { NotFoundPage, RouteError } from "./RouteError";

/** Every page is its own bundle: a visit loads the shell and the page that was asked for. */
export const pages: RouteObject[] = [
  {
    index: true,
    lazy: async () => ({ Component: (await import("@/features/home/pages/HomePage")).HomePage }),
  },
  {
    path: "campaigns",
    lazy: async () => ({
      Component: (await import("@/features/campaigns/pages/CampaignsPage")).CampaignsPage,
    }),
  },
  {
    path: "campaigns/new",
    lazy: async () => ({
      Component: (await import("@/features/campaigns/pages/NewCampaignPage")).NewCampaignPage,
    }),
  },
  {
    path: "campaigns/compare",
    lazy: async () => ({ Component: (await import("@/features/campaigns/pages/ComparePage")).ComparePage }),
  },
  {
    path: "campaigns/:campaignId",
    lazy: async () => ({ Component: (await import("@/features/campaigns/pages/ReportPage")).ReportPage }),
  },
  {
    path: "campaigns/:campaignId/edit",
    lazy: async () => ({ Component: (await import("@/features/campaigns/pages/EditorPage")).EditorPage }),
  },
  {
    path: "campaigns/:campaignId/design",
    lazy: async () => ({ Component: (await import("@/features/campaigns/pages/DesignPage")).DesignPage }),
  },
  {
    path: "campaigns/discounts",
    lazy: async () => ({
      Component: (await import("@/features/discounts/pages/DiscountsPage")).DiscountsPage,
    }),
  },
  {
    path: "campaigns/discounts/:discountId",
    lazy: async () => ({ Component: (await import("@/features/discounts/pages/DiscountPage")).DiscountPage }),
  },
  {
    path: "customers",
    lazy: async () => ({
      Component: (await import("@/features/customers/pages/CustomersPage")).CustomersPage,
    }),
  },
  {
    path: "customers/imports",
    lazy: async () => ({ Component: (await import("@/features/customers/pages/ImportsPage")).ImportsPage }),
  },
  {
    path: "customers/imports/:importId",
    lazy: async () => ({ Component: (await import("@/features/customers/pages/ImportPage")).ImportPage }),
  },
  {
    path: "customers/:customerId",
    lazy: async () => ({ Component: (await import("@/features/customers/pages/CustomerPage")).CustomerPage }),
  },
  {
    path: "segments",
    lazy: async () => ({ Component: (await import("@/features/segments/pages/SegmentsPage")).SegmentsPage }),
  },
  {
    path: "segments/new",
    lazy: async () => ({ Component: (await import("@/features/segments/pages/SegmentPage")).NewSegmentPage }),
  },
  {
    path: "segments/:segmentId",
    lazy: async () => ({ Component: (await import("@/features/segments/pages/SegmentPage")).SegmentPage }),
  },
  {
    path: "analytics",
    lazy: async () => ({
      Component: (await import("@/features/analytics/pages/AnalyticsPage")).AnalyticsPage,
    }),
  },
  {
    path: "tasks",
    lazy: async () => ({ Component: (await import("@/features/tasks/pages/TasksPage")).TasksPage }),
  },
  {
    path: "tasks/figures",
    lazy: async () => ({
      Component: (await import("@/features/tasks/pages/JobFiguresPage")).JobFiguresPage,
    }),
  },
  {
    path: "tasks/dead-letters",
    lazy: async () => ({
      Component: (await import("@/features/tasks/pages/DeadLettersPage")).DeadLettersPage,
    }),
  },
  {
    path: "tasks/dead-letters/:fingerprint",
    lazy: async () => ({ Component: (await import("@/features/tasks/pages/DeadGroupPage")).DeadGroupPage }),
  },
  {
    path: "tasks/:jobId",
    lazy: async () => ({ Component: (await import("@/features/tasks/pages/TaskPage")).TaskPage }),
  },
  {
    path: "tasks/queues",
    lazy: async () => ({
      Component: (await import("@/features/queues/pages/QueuesPage")).QueuesPage,
    }),
  },
  {
    path: "tasks/schedules",
    lazy: async () => ({
      Component: (await import("@/features/schedules/pages/SchedulesPage")).SchedulesPage,
    }),
  },
  {
    path: "tasks/schedules/new",
    lazy: async () => ({
      Component: (await import("@/features/schedules/pages/ScheduleFormPage")).ScheduleFormPage,
    }),
  },
  {
    path: "tasks/schedules/:scheduleId",
    lazy: async () => ({
      Component: (await import("@/features/schedules/pages/ScheduleFormPage")).ScheduleFormPage,
    }),
  },
  {
    path: "tasks/workflows",
    lazy: async () => ({
      Component: (await import("@/features/workflows/pages/WorkflowsPage")).WorkflowsPage,
    }),
  },
  {
    path: "tasks/workflows/new",
    lazy: async () => ({
      Component: (await import("@/features/workflows/pages/NewWorkflowPage")).NewWorkflowPage,
    }),
  },
  {
    path: "tasks/workflows/:workflowId",
    lazy: async () => ({
      Component: (await import("@/features/workflows/pages/WorkflowPage")).WorkflowPage,
    }),
  },
  {
    path: "workers",
    lazy: async () => ({ Component: (await import("@/features/workers/pages/WorkersPage")).WorkersPage }),
  },
  {
    path: "workers/alerts",
    lazy: async () => ({
      Component: (await import("@/features/alerts/pages/AlertsPage")).AlertsPage,
    }),
  },
  {
    path: "settings/access",
    lazy: async () => ({ Component: (await import("@/features/access/pages/AccessPage")).AccessPage }),
  },
  {
    path: "settings",
    lazy: async () => ({ Component: (await import("@/features/settings/pages/SettingsPage")).SettingsPage }),
  },
  {
    path: "settings/look",
    lazy: async () => ({ Component: (await import("@/features/settings/pages/LookPage")).LookPage }),
  },
  {
    path: "settings/sync",
    lazy: async () => ({ Component: (await import("@/features/sync/pages/SyncPage")).SyncPage }),
  },
  {
    path: "settings/contact-policy",
    lazy: async () => ({ Component: (await import("@/features/sending/pages/PolicyPage")).PolicyPage }),
  },
  {
    path: "settings/sending",
    lazy: async () => ({ Component: (await import("@/features/sending/pages/SendingPage")).SendingPage }),
  },
  {
    path: "settings/sending/blocked",
    lazy: async () => ({
      Component: (await import("@/features/sending/pages/SuppressionsPage")).SuppressionsPage,
    }),
  },
  {
    path: "settings/sending/topics",
    lazy: async () => ({ Component: (await import("@/features/sending/pages/TopicsPage")).TopicsPage }),
  },
  {
    path: "settings/privacy",
    lazy: async () => ({ Component: (await import("@/features/privacy/pages/PrivacyPage")).PrivacyPage }),
  },
  {
    path: "settings/webhooks",
    lazy: async () => ({ Component: (await import("@/features/webhooks/pages/WebhooksPage")).WebhooksPage }),
  },
  {
    path: "settings/webhooks/:deliveryId",
    lazy: async () => ({ Component: (await import("@/features/webhooks/pages/DeliveryPage")).DeliveryPage }),
  },
  { path: "*", Component: NotFoundPage },
];

export function createRoutes(initial: LoadedLocale, client: QueryClient): RouteObject[] {
  return [
    {
      path: "/",
      element: <App initial={initial} client={client} />,
      // The first page's code is still on its way: the document stays blank for that moment rather than flash.
      hydrateFallbackElement: <></>,
      children: [{ errorElement: <RouteError />, children: pages }],
    },
  ];
}
