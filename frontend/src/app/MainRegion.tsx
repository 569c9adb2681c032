import { type ReactNode, useEffect, useRef } from "react";
import { useLocation } from "react-router";

/** The landmark that pages render in (a plain region where the frame brings its own). A navigation moves focus here, so that a keyboard or a screen reader starts on the new page. */
export function MainRegion({ as: Tag = "main", children }: { as?: "main" | "div"; children: ReactNode }) {
  const { pathname } = useLocation();
  const region = useRef<HTMLElement & HTMLDivElement>(null);
  const shown = useRef(pathname);

  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    region.current?.focus({ preventScroll: true });
  }, [pathname]);

  return (
    <Tag id="main" ref={region} tabIndex={-1}>
      {children}
    </Tag>
  );
}
