import { BlockStack, Button, Card, InlineStack, Text } from "@shopify/polaris";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/ErrorState";
import { useI18n } from "@/i18n/useI18n";
import { pickedProductsQuery } from "../templatesApi";
import { MAX_PRODUCTS, ProductPicker } from "./ProductPicker";

interface Props {
  gids: readonly string[];
  saving: boolean;
  choose: (gids: string[]) => void;
}

/** The products that `products.picked` stands for in this message, in their order. */
export function ProductsCard({ gids, saving, choose }: Props) {
  const { t } = useI18n();
  const [isOpen, setOpen] = useState(false);
  const query = useQuery(pickedProductsQuery(gids));
  const titles = new Map(query.data?.items.map(({ gid, title }) => [gid, title]));
  const nameOf = (gid: string) => titles.get(gid) ?? (query.isFetching ? "…" : t("picker.off_sale"));

  function up(index: number) {
    const next = [...gids];
    next.splice(index - 1, 0, ...next.splice(index, 1));
    choose(next);
  }

  return (
    <Card>
      <BlockStack gap="300">
        <InlineStack align="space-between" blockAlign="center">
          <Text as="h2" variant="headingMd">
            {t("picker.title")}
          </Text>
          <Button onClick={() => setOpen(true)} loading={saving}>
            {t("picker.choose")}
          </Button>
        </InlineStack>
        <Text as="p" tone={gids.length === 0 ? "caution" : "subdued"}>
          {gids.length === 0 ? t("picker.none") : t("picker.why")}
        </Text>
        {query.error && <ErrorState error={query.error} retry={() => void query.refetch()} />}
        {gids.length > 0 && (
          <ol>
            {gids.map((gid, index) => (
              <li key={gid}>
                <InlineStack align="space-between" blockAlign="center" gap="200">
                  <Text as="span">{nameOf(gid)}</Text>
                  <InlineStack gap="200">
                    {index > 0 && (
                      <Button
                        variant="plain"
                        disabled={saving}
                        onClick={() => up(index)}
                        accessibilityLabel={t("picker.up", { name: nameOf(gid) })}
                      >
                        ↑
                      </Button>
                    )}
                    <Button
                      variant="plain"
                      tone="critical"
                      disabled={saving}
                      onClick={() => choose(gids.filter((other) => other !== gid))}
                      accessibilityLabel={t("picker.remove", { name: nameOf(gid) })}
                    >
                      ×
                    </Button>
                  </InlineStack>
                </InlineStack>
              </li>
            ))}
          </ol>
        )}
        <Text as="p" variant="bodySm" tone="subdued">
          {t("picker.count", { count: gids.length, max: MAX_PRODUCTS })}
        </Text>
      </BlockStack>
      {isOpen && (
        <ProductPicker
          chosen={gids}
          take={(next) => {
            choose(next);
            setOpen(false);
          }}
          close={() => setOpen(false)}
        />
      )}
    </Card>
  );
}
