import { NavLink, useLocation } from "react-router";
import { useI18n } from "@/i18n/useI18n";
import { useIsOperator } from "@/lib/useSession";
import styles from "./TasksNav.module.css";

const TASKS = [
  { path: "/tasks", key: "tasks_nav.tasks", operators: false },
  { path: "/tasks/figures", key: "tasks_nav.jobs", operators: true },
  { path: "/tasks/queues", key: "tasks_nav.queues", operators: true },
  { path: "/tasks/dead-letters", key: "tasks_nav.dead_letters", operators: true },
  { path: "/tasks/schedules", key: "tasks_nav.schedules", operators: false },
  { path: "/tasks/workflows", key: "tasks_nav.workflows", operators: false },
] as const;

const WORKERS = [
  { path: "/workers", key: "tasks_nav.workers", operators: false },
  { path: "/workers/alerts", key: "tasks_nav.alerts", operators: false },
] as const;

/** The pages of the section that the address is in; what belongs to the whole platform is shown to operators only. */
export function TasksNav() {
  const { t } = useI18n();
  const { pathname } = useLocation();
  const isOperator = useIsOperator();
  const inWorkers = pathname.startsWith("/workers");
  const tabs = (inWorkers ? WORKERS : TASKS).filter((tab) => isOperator || !tab.operators);
  return (
    <nav className={styles.nav} aria-label={t(inWorkers ? "tasks_nav.of_workers" : "tasks_nav.of_tasks")}>
      {tabs.map((tab) => (
        <NavLink
          key={tab.path}
          to={tab.path}
          end={tab.path === "/tasks" || tab.path === "/workers"}
          className={styles.tab ?? ""}
        >
          {t(tab.key)}
        </NavLink>
      ))}
    </nav>
  );
}
