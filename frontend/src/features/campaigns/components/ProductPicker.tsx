import { BlockStack, Button, Checkbox, InlineStack, Modal, Text, TextField } from "@shopify/polaris";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { QueryView } from "@/components/QueryView";
import { CardSkeleton, LoadingRegion } from "@/components/Skeletons";
import { useI18n } from "@/i18n/useI18n";
import { useDebounced } from "@/lib/useDebounced";
import { productsQuery } from "../templatesApi";

/** The API takes no more; a message with more is a catalogue. */
export const MAX_PRODUCTS = 8;
const SEARCH_AFTER_MS = 250;

interface Props {
  chosen: readonly string[];
  take: (gids: string[]) => void;
  close: () => void;
}

/** Active products by title, to tick; those ticked keep the order in which they were. */
export function ProductPicker({ chosen, take, close }: Props) {
  const { t, f } = useI18n();
  const [search, setSearch] = useState("");
  const [gids, setGids] = useState(chosen);
  const query = useInfiniteQuery(productsQuery(useDebounced(search.trim(), SEARCH_AFTER_MS)));
  const isFull = gids.length >= MAX_PRODUCTS;

  function tick(gid: string, on: boolean) {
    setGids((before) => (on ? [...before, gid] : before.filter((other) => other !== gid)));
  }

  return (
    <Modal
      open
      onClose={close}
      title={t("picker.choose")}
      primaryAction={{ content: t("picker.take"), onAction: () => take([...gids]) }}
      secondaryActions={[{ content: t("action.cancel"), onAction: close }]}
    >
      <Modal.Section>
        <BlockStack gap="400">
          <TextField
            label={t("picker.search")}
            type="search"
            value={search}
            onChange={setSearch}
            autoComplete="off"
            helpText={t("picker.count", { count: gids.length, max: MAX_PRODUCTS })}
          />
          {isFull && <Text as="p">{t("picker.full", { max: MAX_PRODUCTS })}</Text>}
          <QueryView
            query={query}
            skeleton={
              <LoadingRegion>
                <CardSkeleton lines={6} />
              </LoadingRegion>
            }
            isEmpty={({ pages }) => pages.every(({ items }) => items.length === 0)}
            empty={<Text as="p">{t("picker.found_none")}</Text>}
          >
            {({ pages }) => (
              <BlockStack gap="200">
                {pages
                  .flatMap(({ items }) => items)
                  .map(({ gid, title, price }) => (
                    <Checkbox
                      key={gid}
                      label={`${title}, ${f.money(price)}`}
                      checked={gids.includes(gid)}
                      disabled={isFull && !gids.includes(gid)}
                      onChange={(on) => tick(gid, on)}
                    />
                  ))}
              </BlockStack>
            )}
          </QueryView>
          {query.hasNextPage && (
            <InlineStack>
              <Button onClick={() => void query.fetchNextPage()} loading={query.isFetchingNextPage}>
                {t("picker.more")}
              </Button>
            </InlineStack>
          )}
        </BlockStack>
      </Modal.Section>
    </Modal>
  );
}
