import { Page as PolarisPage } from "@shopify/polaris";
import type { ReactNode } from "react";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";

/** What is shown before the shop is known; `children` replace the grey bars when something went wrong. */
export function ShellSkeleton({ children }: { children?: ReactNode }) {
  return (
    <main>
      <PolarisPage>
        {children || (
          <LoadingRegion>
            <CardSkeleton lines={4} />
          </LoadingRegion>
        )}
      </PolarisPage>
    </main>
  );
}
