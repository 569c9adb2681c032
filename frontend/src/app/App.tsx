import { AppProvider } from "@shopify/polaris";
import type { QueryClient } from "@tanstack/react-query";
import { QueryClientProvider, useQuery } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { Outlet } from "react-router";
import { ErrorState } from "@/components/ErrorState";
import { type LoadedLocale, type Locale, loadLocale, rememberLocale } from "@/i18n/locales";
import { I18nProvider } from "@/i18n/useI18n";
import { asApiError } from "@/lib/api/errors";
import { isEmbedded, isFramed } from "@/lib/appBridge";
import { sessionQuery } from "@/lib/queries/session";
import { BrowserShell } from "./BrowserShell";
import { EmbeddedShell } from "./EmbeddedShell";
import { PolarisLink } from "./PolarisLink";
import { ShellSkeleton } from "./ShellSkeleton";
import { SignInPage } from "./SignInPage";

interface Props {
  initial: LoadedLocale;
  client: QueryClient;
}

/** The root route: language, identity, then the shell of the door that this document was opened through. */
export function App({ initial, client }: Props) {
  const [loaded, setLoaded] = useState(initial);
  const setLocale = useCallback(
    async (locale: Locale) => {
      rememberLocale(locale);
      document.documentElement.lang = locale;
      setLoaded(await loadLocale(locale));
      // Some of what the API has said is in the language of before.
      await client.invalidateQueries();
    },
    [client],
  );

  return (
    <QueryClientProvider client={client}>
      <AppProvider i18n={loaded.polaris} linkComponent={PolarisLink}>
        <SignedIn loaded={loaded} setLocale={(locale) => void setLocale(locale)} />
      </AppProvider>
    </QueryClientProvider>
  );
}

function SignedIn({ loaded, setLocale }: { loaded: LoadedLocale; setLocale: (locale: Locale) => void }) {
  const session = useQuery(sessionQuery);
  const Shell = isEmbedded() ? EmbeddedShell : BrowserShell;
  const shop = session.data?.shop;
  // Nobody is signed in: an ordinary state outside the admin, where nothing has failed.
  const signedOut = asApiError(session.error).status === 401 && !isEmbedded() && !isFramed();
  return (
    <I18nProvider
      loaded={loaded}
      setLocale={setLocale}
      currency={shop?.currency ?? "USD"}
      timeZone={shop?.timezone ?? "UTC"}
    >
      {session.data ? (
        <Shell session={session.data}>
          <Outlet />
        </Shell>
      ) : signedOut ? (
        <SignInPage />
      ) : (
        <ShellSkeleton>
          {session.error && (
            <ErrorState
              error={session.error}
              retry={() => void session.refetch()}
              retrying={session.isFetching}
            />
          )}
        </ShellSkeleton>
      )}
    </I18nProvider>
  );
}
