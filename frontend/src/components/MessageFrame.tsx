import { useCallback, useEffect, useRef, useState } from "react";
import styles from "./MessageFrame.module.css";

interface Props {
  html: string;
  /** Names the frame for those who cannot see it. */
  title: string;
  /** The width that the message is laid out at; the frame shrinks to fit its place. */
  width: number;
  /** Cuts the message at this height; without it the frame is as tall as the message. */
  maxHeight?: number;
  dark?: boolean;
  imagesOff?: boolean;
}

const DARK_BY_INVERSION =
  "html{filter:invert(1) hue-rotate(180deg);background:#fff}img{filter:invert(1) hue-rotate(180deg)}";

/** The message as a document of its own: links lead nowhere, and what the switches ask for is added to its head. */
export function frameDocument(html: string, { dark = false, imagesOff = false } = {}): string {
  const added = [
    '<base target="_blank">',
    imagesOff ? '<meta http-equiv="Content-Security-Policy" content="img-src \'none\'">' : "",
    // A message with dark styles of its own shows them; others are inverted, as most mail programs do.
    dark && !html.includes("prefers-color-scheme") ? `<style>${DARK_BY_INVERSION}</style>` : "",
  ].join("");
  return /<head[^>]*>/i.test(html) ? html.replace(/<head[^>]*>/i, (head) => head + added) : added + html;
}

/**
 * Somebody's HTML, shown but never run: the sandbox has no scripts, forms or pop-ups.
 * It may be of the same origin only so that its height can be read.
 */
export function MessageFrame({ html, title, width, maxHeight, dark = false, imagesOff = false }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const frame = useRef<HTMLIFrameElement>(null);
  const [scale, setScale] = useState(1);
  const [height, setHeight] = useState(maxHeight ?? 600);

  const measure = useCallback(() => {
    const contents = frame.current?.contentDocument?.documentElement;
    if (contents) setHeight(Math.max(200, contents.offsetHeight || contents.scrollHeight));
  }, []);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setScale(Math.min(1, entry.contentRect.width / width));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [width]);

  const shownHeight = Math.min(height * scale, maxHeight ?? Number.POSITIVE_INFINITY);
  return (
    <div ref={box} className={styles.box} style={{ height: shownHeight }}>
      <iframe
        ref={frame}
        title={title}
        sandbox="allow-same-origin"
        srcDoc={frameDocument(html, { dark, imagesOff })}
        onLoad={measure}
        tabIndex={-1}
        className={styles.frame}
        style={{ width, height, transform: `scale(${scale})`, colorScheme: dark ? "dark" : "light" }}
      />
    </div>
  );
}
