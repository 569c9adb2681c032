import type { Attributes, ReactNode } from "react";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      /** A link of the admin's menu; App Bridge reads it out of `s-app-nav`. */
      "s-link": Attributes & { href: string; rel?: string; children?: ReactNode };
    }
  }
}
