import { type ReactNode, useEffect } from "react";
import { useNavigate } from "react-router";
import { useI18n } from "@/i18n/useI18n";
import type { Session } from "@/lib/api/types";
import { showAdminToast } from "@/lib/appBridge";
import { ToastContext } from "@/lib/useToast";
import { AccessLostBanner } from "./AccessLostBanner";
import { MainRegion } from "./MainRegion";
import { SECTIONS } from "./navigation";
import { ShopBanner } from "./ShopBanner";

const showToast = (message: string, options?: { isError?: boolean }) => {
  showAdminToast(message, options?.isError ?? false);
};

/** Inside the admin: the menu belongs to the admin, which asks us to go where it was clicked. */
export function EmbeddedShell({ session, children }: { session: Session; children: ReactNode }) {
  const { t } = useI18n();
  const navigate = useNavigate();

  useEffect(() => {
    function go(event: Event) {
      const { target } = event;
      const link = target instanceof Element ? target.getAttribute("href") : null;
      const href = link ?? (event as CustomEvent<{ href?: string } | undefined>).detail?.href;
      if (!href) return;
      event.preventDefault();
      void navigate(href);
    }
    document.addEventListener("shopify:navigate", go);
    return () => document.removeEventListener("shopify:navigate", go);
  }, [navigate]);

  return (
    <ToastContext.Provider value={showToast}>
      <s-app-nav>
        {SECTIONS.map(({ path, key }) => (
          <s-link key={path} href={path} {...(path === "/" ? { rel: "home" } : {})}>
            {t(key)}
          </s-link>
        ))}
      </s-app-nav>
      <div className="sc-embedded">
        <MainRegion>
          {session.shop.access === "lost" && <AccessLostBanner domain={session.shop.domain} />}
          <ShopBanner shop={session.shop} />
          {children}
        </MainRegion>
      </div>
    </ToastContext.Provider>
  );
}
