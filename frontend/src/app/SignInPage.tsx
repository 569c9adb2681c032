import { BlockStack, Button, Card, Form, Text, TextField } from "@shopify/polaris";
import { useEffect, useState } from "react";
import { useI18n } from "@/i18n/useI18n";
import { findRememberedShop, findShopDomain, signIn } from "@/lib/signIn";
import styles from "./SignInPage.module.css";

const FIELD = "sign-in-store";

/** The way in outside the admin: Shopify has to be told of which store it should ask who the person is. */
export function SignInPage() {
  const { t } = useI18n();
  const [store, setStore] = useState(findRememberedShop() ?? "");
  const [wrong, setWrong] = useState<"sign_in.missing" | "sign_in.wrong" | null>(null);

  useEffect(() => {
    document.title = t("sign_in.title");
  }, [t]);

  function submit() {
    const domain = findShopDomain(store);
    if (domain) {
      signIn(domain);
      return;
    }
    setWrong(store.trim() === "" ? "sign_in.missing" : "sign_in.wrong");
    document.getElementById(FIELD)?.focus();
  }

  return (
    <main className={styles.page}>
      <div className={styles.panel}>
        <BlockStack gap="500">
          <BlockStack gap="300" inlineAlign="center">
            <img src="/favicon.svg" alt="" width="48" height="48" />
            <Text as="h1" variant="headingLg" alignment="center">
              {t("sign_in.title")}
            </Text>
          </BlockStack>
          <Card padding={{ xs: "400", sm: "600" }}>
            <Form onSubmit={submit} noValidate implicitSubmit={false}>
              <BlockStack gap="400">
                <TextField
                  id={FIELD}
                  name="shop"
                  label={t("sign_in.store")}
                  placeholder="your-store.myshopify.com"
                  autoComplete="off"
                  inputMode="url"
                  spellCheck={false}
                  value={store}
                  helpText={t("sign_in.store_help")}
                  error={wrong ? t(wrong) : undefined}
                  onChange={(value) => {
                    setStore(value);
                    setWrong(null);
                  }}
                />
                <Button submit variant="primary" size="large" fullWidth>
                  {t("sign_in.action")}
                </Button>
                <Text as="p" variant="bodySm" tone="subdued" alignment="center">
                  {t("sign_in.by_shopify")}
                </Text>
              </BlockStack>
            </Form>
          </Card>
          <Text as="p" tone="subdued" alignment="center">
            {t("sign_in.embedded")}
          </Text>
        </BlockStack>
      </div>
    </main>
  );
}
