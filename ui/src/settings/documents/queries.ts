/** What the documents' pages ask the server. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, request, withQuery } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type DocumentRow = Schemas["DocumentListed"];
export type Kind = DocumentRow["kind"];
export type Version = Schemas["DocumentVersion"];

const PLURAL: Record<Kind, string> = {
  taxonomy: "taxonomies",
  rubric: "rubrics",
  template: "templates",
};

export function isKind(text: string): text is Kind {
  return text in PLURAL;
}

/** The page on which a document is written. Not as a path: a name with a dot would look like a file's. */
export function editorPage(kind: Kind, name: string): string {
  return withQuery("/settings/documents/edit", { kind, name });
}

function textAddress(kind: Kind, name: string): string {
  return `/v1/${PLURAL[kind]}/${encodeURIComponent(name)}`;
}

function address(kind: Kind, name: string): string {
  return `/v1/documents/${kind}/${encodeURIComponent(name)}`;
}

export function useDocuments() {
  return useQuery({
    queryKey: ["documents"],
    queryFn: ({ signal }) => request<Schemas["DocumentsAnswer"]>("GET", "/v1/documents", { signal }),
    select: (answer) => answer.documents,
  });
}

/** The text that holds now; null where there is no such document yet. */
export function useText(kind: Kind, name: string) {
  return useQuery({
    queryKey: ["documents", kind, name, "text"],
    queryFn: async ({ signal }): Promise<string | null> => {
      try {
        return await request<string>("GET", textAddress(kind, name), { signal });
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
    staleTime: 0,
  });
}

export function readText(kind: Kind, name: string): Promise<string> {
  return request<string>("GET", textAddress(kind, name));
}

export function readVersions(kind: Kind, name: string, signal?: AbortSignal): Promise<Version[]> {
  return request<Schemas["VersionsAnswer"]>("GET", `${address(kind, name)}/versions`, signal ? { signal } : {}).then(
    (answer) => answer.versions.toSorted((a, b) => b.version - a.version),
    (error: unknown) => {
      // A document that only ships, or is not there yet, has no versions of its own.
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    },
  );
}

export function useVersions(kind: Kind, name: string) {
  return useQuery({
    queryKey: ["documents", kind, name, "versions"],
    queryFn: ({ signal }) => readVersions(kind, name, signal),
    staleTime: 0,
  });
}

export function useVersionText(kind: Kind, name: string, version: number) {
  return useQuery({
    queryKey: ["documents", kind, name, "version", version],
    queryFn: ({ signal }) => request<string>("GET", `${address(kind, name)}/versions/${version}`, { signal }),
    // What was written once never changes.
    staleTime: Number.POSITIVE_INFINITY,
  });
}

function useChange<Argument>(change: (argument: Argument) => Promise<void>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => client.invalidateQueries({ queryKey: ["documents"] }),
  });
}

export function useSave(kind: Kind, name: string) {
  return useChange((text: string) => request<void>("PUT", textAddress(kind, name), { text }));
}

export function useActivate(kind: Kind, name: string) {
  return useChange((version: number) => request<void>("POST", `${address(kind, name)}/versions/${version}/activate`));
}

export function useRemove(kind: Kind, name: string) {
  return useChange(() => request<void>("DELETE", address(kind, name)));
}

export interface Mistake {
  message: string;
  /** Counted from 1; null where the whole document is meant. */
  line: number | null;
}

/** The server's own judgement of a text; null when there is nothing wrong with it. Raises ApiError for anything else. */
export async function check(kind: Kind, name: string, text: string): Promise<Mistake | null> {
  try {
    await request<unknown>("POST", `${address(kind, name)}/check`, { text });
    return null;
  } catch (error) {
    const mistake = mistakeOf(error);
    if (mistake === null) throw error;
    return mistake;
  }
}

/** What is wrong with a document, where that is what the error says. */
export function mistakeOf(error: unknown): Mistake | null {
  if (!(error instanceof ApiError) || error.code !== "bad_document") return null;
  return { message: error.message, line: error.line };
}

export type Preview = Schemas["DocumentPreview"];
export type PreviewArtifact = Schemas["ArtifactShown"];
export type PreviewMoment = Schemas["LiveMoment"];
export type PreviewEvidence = Schemas["EvidenceShown"];

export function usePreview(kind: Kind, name: string) {
  return useMutation({
    mutationFn: ({ text, call_id }: { text: string; call_id: string }) =>
      request<Preview>("POST", `${address(kind, name)}/preview`, {
        // A template's name says its form.
        body: { text, call_id },
      }),
  });
}

/** Calls to try a document on: the newest that have ended. */
export function usePastCalls(reviewed: boolean) {
  return useQuery({
    queryKey: ["calls", "past", reviewed],
    queryFn: ({ signal }) =>
      request<Schemas["CallPage"]>("GET", "/v1/calls", {
        query: { limit: 50, status: "ended", ...(reviewed ? { review: "done" } : {}) },
        signal,
      }),
    select: (answer) => answer.calls,
  });
}
