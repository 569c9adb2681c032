import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { components } from "@/generated/api";
import { api, body } from "@/lib/api/client";
import { saveBlob } from "@/lib/download";

type Schemas = components["schemas"];
export type ContactImport = Schemas["ContactImport"];
export type ContactFile = Schemas["ContactFile"];
export type ContactMapping = Schemas["ContactMapping"];
export type ContactField = NonNullable<Schemas["ContactColumn"]["suggested"]>;
export type ContactRefusal = Schemas["ContactRefusal"];
export type ContactPreviewRow = Schemas["ContactPreviewRow"];

/** In the order in which people think of them. */
export const FIELDS: readonly ContactField[] = [
  "email",
  "first_name",
  "last_name",
  "phone",
  "tags",
  "country",
  "consent",
  "consent_at",
  "consent_source",
];

const LIVE_MS = 2_000;
const key = ["customers", "imports"] as const;
const at = (id: string) => ({ params: { path: { import_id: id } } });

export function isUnderWay({ state }: ContactImport): boolean {
  return state === "reading" || state === "writing";
}

export const importsQuery = infiniteQueryOptions({
  queryKey: [...key, "list"],
  queryFn: ({ pageParam, signal }) =>
    body(
      api.GET("/api/v1/customers/imports", {
        params: { query: pageParam ? { cursor: pageParam } : {} },
        signal,
      }),
    ),
  initialPageParam: "",
  getNextPageParam: (page) => page.next_cursor,
  refetchInterval: ({ state }) =>
    state.data?.pages.some((page) => page.items.some(isUnderWay)) ? LIVE_MS : false,
});

export function importQuery(id: string) {
  return queryOptions({
    queryKey: [...key, "one", id],
    queryFn: ({ signal }) => body(api.GET("/api/v1/customers/imports/{import_id}", { ...at(id), signal })),
    refetchInterval: ({ state }) => (state.data && isUnderWay(state.data) ? LIVE_MS : false),
  });
}

export function previewQuery(id: string, mapping: ContactMapping) {
  return queryOptions({
    queryKey: [...key, "preview", id, mapping],
    queryFn: ({ signal }) =>
      body(api.POST("/api/v1/customers/imports/{import_id}/preview", { ...at(id), body: mapping, signal })),
  });
}

export function refusalsQuery(id: string) {
  return infiniteQueryOptions({
    queryKey: [...key, "refusals", id],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/customers/imports/{import_id}/refusals", {
          params: { path: { import_id: id }, query: pageParam ? { cursor: pageParam } : {} },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** The import first, then its file: a file that fails leaves an import that can take another. */
export function useUploadContacts() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ file, once }: { file: File; once: string }) => {
      const name = file.name.slice(0, 120) || "contacts.csv";
      const made = await body(
        api.POST("/api/v1/customers/imports", { body: { name }, headers: { "Idempotency-Key": once } }),
      );
      return body(
        api.PUT("/api/v1/customers/imports/{import_id}/file", {
          ...at(made.id),
          // The file goes as it is: the API finds out its encoding.
          body: file as unknown as string,
          bodySerializer: (content) => content,
          headers: { "Content-Type": "text/csv" },
        }),
      );
    },
    onSettled: () => client.invalidateQueries({ queryKey: importsQuery.queryKey }),
  });
}

export function useStartImport(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (mapping: ContactMapping) =>
      body(api.POST("/api/v1/customers/imports/{import_id}/start", { ...at(id), body: mapping })),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
}

export function useCancelImport(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => body(api.POST("/api/v1/customers/imports/{import_id}/cancel", at(id))),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
}

/** Fetched with the caller's proof of identity: a plain link carries none inside the admin. */
export function useDownloadRefusals(id: string) {
  return useMutation({
    mutationFn: async () => {
      const file = await body<unknown>(
        api.GET("/api/v1/customers/imports/{import_id}/refusals/export", { ...at(id), parseAs: "blob" }),
      );
      saveBlob(file as Blob, `refused-${id}.csv`);
    },
  });
}

export function useExportCustomers() {
  return useMutation({
    mutationFn: async () => {
      const file = await body<unknown>(api.GET("/api/v1/customers/export", { parseAs: "blob" }));
      saveBlob(file as Blob, "customers.csv");
    },
  });
}
