import { Frame, Navigation, Toast, TopBar } from "@shopify/polaris";
import { ExitIcon, KeyboardIcon, StoreIcon } from "@shopify/polaris-icons";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { Link, useLocation } from "react-router";
import { useI18n } from "@/i18n/useI18n";
import type { Session } from "@/lib/api/types";
import { ownShopsQuery } from "@/lib/queries/session";
import { rememberShop, signOut, switchShop } from "@/lib/signIn";
import { ToastContext } from "@/lib/useToast";
import { AccessLostBanner } from "./AccessLostBanner";
import { MainRegion } from "./MainRegion";
import { SECTIONS } from "./navigation";
import { ShopBanner } from "./ShopBanner";
import { Shortcuts } from "./Shortcuts";
import { SignOutEverywhereModal } from "./SignOutEverywhereModal";

/** Outside the admin: our own menu, top bar, toasts and save bar. */
export function BrowserShell({ session, children }: { session: Session; children: ReactNode }) {
  const { t } = useI18n();
  const { pathname } = useLocation();
  const own = useQuery(ownShopsQuery);
  const others = own.data?.items.filter((shop) => !shop.current) ?? [];
  const [menuOpen, setMenuOpen] = useState(false);
  const [userOpen, setUserOpen] = useState(false);
  const [isLeaving, setLeaving] = useState(false);
  const [shortcutsOpen, setShortcutsOpen] = useState(false);
  const [toast, setToast] = useState<{ message: string; isError: boolean } | null>(null);
  const showToast = useCallback(
    (message: string, options?: { isError?: boolean }) =>
      setToast({ message, isError: options?.isError ?? false }),
    [],
  );

  useEffect(() => rememberShop(session.shop.domain), [session.shop.domain]);

  const navigation = (
    <Navigation location={pathname}>
      <Navigation.Section
        items={SECTIONS.map(({ path, key, icon }) => ({
          url: path,
          label: t(key),
          icon,
          exactMatch: path === "/",
          selected: path === "/" ? pathname === "/" : pathname.startsWith(path),
          onClick: () => setMenuOpen(false),
        }))}
      />
    </Navigation>
  );

  const topBar = (
    <TopBar
      showNavigationToggle
      onNavigationToggle={() => setMenuOpen(!menuOpen)}
      contextControl={
        <Link to="/" className="sc-brand">
          <img src="/favicon.svg" alt="" width="24" height="24" />
          Storecast
        </Link>
      }
      userMenu={
        <TopBar.UserMenu
          name={session.shop.name}
          detail={session.user.name}
          initials={session.shop.name.charAt(0)}
          open={userOpen}
          onToggle={() => setUserOpen(!userOpen)}
          actions={[
            ...(others.length > 0
              ? [
                  {
                    items: others.map(({ domain, name }) => ({
                      content: t("nav.switch_shop", { name }),
                      icon: StoreIcon,
                      onAction: () =>
                        void switchShop(domain).catch(() =>
                          showToast(t("nav.switch_failed"), { isError: true }),
                        ),
                    })),
                  },
                ]
              : []),
            {
              items: [
                { content: t("nav.shortcuts"), icon: KeyboardIcon, onAction: () => setShortcutsOpen(true) },
                {
                  content: t("nav.sign_out"),
                  icon: ExitIcon,
                  onAction: () => void signOut(session.shop.domain),
                },
                { content: t("access.everywhere"), icon: ExitIcon, onAction: () => setLeaving(true) },
              ],
            },
          ]}
        />
      }
    />
  );

  return (
    <Frame
      topBar={topBar}
      navigation={navigation}
      showMobileNavigation={menuOpen}
      onNavigationDismiss={() => setMenuOpen(false)}
    >
      <ToastContext.Provider value={showToast}>
        <MainRegion as="div">
          {session.shop.access === "lost" && <AccessLostBanner domain={session.shop.domain} />}
          <ShopBanner shop={session.shop} />
          {children}
        </MainRegion>
        {isLeaving && (
          <SignOutEverywhereModal domain={session.shop.domain} onClose={() => setLeaving(false)} />
        )}
        <Shortcuts open={shortcutsOpen} setOpen={setShortcutsOpen} />
      </ToastContext.Provider>
      {toast && <Toast content={toast.message} error={toast.isError} onDismiss={() => setToast(null)} />}
    </Frame>
  );
}
