interface StoredDocument {
  readonly ticket: { readonly id: number; readonly status: string } & Record<string, unknown>;
  readonly version: { readonly stamp: string | number; readonly digest: string };
}

export async function storedDocument(
  url: string,
  ticketId: number | string,
): Promise<StoredDocument | undefined> {
  const response = await fetch(`${url}/tickets/${ticketId}`);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`GET /tickets/${ticketId}: ${response.status} ${await response.text()}`);
  return (await response.json()) as StoredDocument;
}

interface SearchAnswer {
  readonly total: number;
  readonly hits: readonly { readonly id: number | string; readonly ticket: Record<string, unknown> }[];
  readonly next: string | null;
}

export async function search(url: string, query: string, limit = 10): Promise<SearchAnswer> {
  const response = await fetch(`${url}/search?q=${encodeURIComponent(query)}&limit=${limit}`);
  if (!response.ok) throw new Error(`search ${query}: ${response.status} ${await response.text()}`);
  return (await response.json()) as SearchAnswer;
}
