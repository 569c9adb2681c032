import {
  ChartVerticalIcon,
  ClipboardChecklistIcon,
  DesktopIcon,
  EmailIcon,
  HomeIcon,
  PersonIcon,
  PersonSegmentIcon,
  SettingsIcon,
} from "@shopify/polaris-icons";

/** The sections of the product, in both doors' menus. `key` is the catalogue's. */
export const SECTIONS = [
  { path: "/", key: "nav.home", icon: HomeIcon },
  { path: "/campaigns", key: "nav.campaigns", icon: EmailIcon },
  { path: "/customers", key: "nav.customers", icon: PersonIcon },
  { path: "/segments", key: "nav.segments", icon: PersonSegmentIcon },
  { path: "/analytics", key: "nav.analytics", icon: ChartVerticalIcon },
  { path: "/tasks", key: "nav.tasks", icon: ClipboardChecklistIcon },
  { path: "/workers", key: "nav.workers", icon: DesktopIcon },
  { path: "/settings", key: "nav.settings", icon: SettingsIcon },
] as const;
