import { type PageProps, Page as PolarisPage } from "@shopify/polaris";
import { useEffect } from "react";

interface Props extends Omit<PageProps, "title"> {
  title: string;
  /** The document's title where it says more than the heading, such as a live count. */
  documentTitle?: string;
}

/** A page with its document title. Focus moves to the main region on navigation; the shell does that. */
export function Page({ title, documentTitle, ...props }: Props) {
  useEffect(() => {
    document.title = `${documentTitle ?? title} · Storecast`;
  }, [title, documentTitle]);
  return <PolarisPage {...props} title={title} />;
}
