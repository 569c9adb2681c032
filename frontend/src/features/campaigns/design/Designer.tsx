import { useEffect, useRef, useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import type { BrandKit } from "@/lib/api/types";
import type { Canvas } from "./canvas";
import styles from "./Designer.module.css";
import type { Opened } from "./source";

interface Props {
  source: Opened;
  look: BrandKit;
  changed: (mjml: string) => void;
}

/** What the tags of the shop's look are now, so that the canvas shows its colours. */
function valuesOf(look: BrandKit): Map<string, string> {
  return new Map([
    ["brand.accent", look.accent],
    ["brand.on_accent", textOn(look.accent)],
    ["brand.background", look.background],
    ["brand.on_background", textOn(look.background)],
    ["brand.font", "Helvetica,Arial,sans-serif"],
    ["brand.logo_url", look.logo_url ?? ""],
    ["product.image_url", ""],
  ]);
}

/** Near enough to the API's own choice for a canvas. */
function textOn(colour: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return red * 0.299 + green * 0.587 + blue * 0.114 > 150 ? "#17171f" : "#ffffff";
}

/** The canvas; its library is loaded when it is shown. Mounted anew, it shows `source` anew. */
export function Designer({ source, look, changed }: Props) {
  const { t, locale } = useI18n();
  const place = useRef<HTMLDivElement>(null);
  const words = {
    locale,
    blocks: t("design.blocks"),
    style: t("design.style"),
    layers: t("design.layers"),
  };
  const start = useRef({ source, look, words });
  const report = useRef(changed);
  const [state, setState] = useState<"loading" | "ready" | Error>("loading");
  report.current = changed;

  useEffect(() => {
    let canvas: Canvas | null = null;
    let gone = false;
    import("./canvas")
      .then(({ createCanvas }) => {
        if (gone || !place.current) return;
        const { source: shown, look: brand, words: named } = start.current;
        canvas = createCanvas(place.current, shown, valuesOf(brand), named, (mjml) => report.current(mjml));
        setState("ready");
      })
      .catch((error: unknown) => setState(error instanceof Error ? error : new Error(String(error))));
    return () => {
      gone = true;
      canvas?.destroy();
    };
  }, []);

  return (
    <section aria-label={t("design.canvas")} className={styles.stage}>
      {state === "loading" && (
        <LoadingRegion>
          <CardSkeleton lines={12} />
        </LoadingRegion>
      )}
      {state instanceof Error && <ErrorState error={state} title={t("design.failed")} />}
      <div ref={place} />
    </section>
  );
}
