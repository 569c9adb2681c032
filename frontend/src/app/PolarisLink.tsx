import type { AppProviderProps } from "@shopify/polaris";
import type { ComponentProps } from "react";
import { Link } from "react-router";

type LinkLike = NonNullable<AppProviderProps["linkComponent"]>;
type Props = ComponentProps<LinkLike>;

/** Paths that the API process serves itself, so the router must not catch them. */
const SERVER_PATHS = /^\/(auth|api)\//;

/** Lets Polaris' links go through the router instead of loading a new document. */
export function PolarisLink({ children, url = "", external, ref: _ref, ...rest }: Props) {
  if (external || SERVER_PATHS.test(url) || !url.startsWith("/")) {
    return (
      <a {...rest} href={url} {...(external ? { target: "_blank", rel: "noopener noreferrer" } : {})}>
        {children}
      </a>
    );
  }
  return (
    <Link {...rest} to={url}>
      {children}
    </Link>
  );
}
