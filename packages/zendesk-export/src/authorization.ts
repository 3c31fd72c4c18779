/**
 * How a request is let in. The header goes to the configured origin alone (export-client.ts); what it is made of is
 * repeated nowhere: not in an error, a log line or a trace.
 */
export interface Authorization {
  /**
   * The `Authorization` header of the next request.
   * @throws zendesk.credentials_refused  a token is to be fetched, and the client is not known or not allowed
   * @throws zendesk.unavailable, zendesk.rate_limited  as for a page
   */
  header(signal?: AbortSignal): Promise<string>;
  /**
   * Told of a 401 to a header it gave.
   * @returns true when another header may be had by asking again: the request is worth repeating
   */
  refused(header: string): boolean;
  /** Told of an answer that let the request in. */
  accepted(): void;
  /** What must be shown nowhere; grows as tokens are fetched. */
  readonly secrets: readonly string[];
}

export type ExportCredentials =
  | { readonly email: string; readonly apiToken: string }
  | { readonly email: string; readonly password: string }
  | { readonly oauthToken: string }
  | { readonly clientId: string; readonly clientSecret: string; readonly scope: string };

/** A header that stays the same: nothing can be done about its refusal. */
export function fixedAuthorization(
  credentials: Exclude<ExportCredentials, { readonly clientId: string }>,
): Authorization {
  const { header, secrets } = fixedHeader(credentials);
  return { header: async () => header, refused: () => false, accepted: () => {}, secrets };
}

function fixedHeader(credentials: Exclude<ExportCredentials, { readonly clientId: string }>) {
  if ('oauthToken' in credentials) {
    return { header: `Bearer ${credentials.oauthToken}`, secrets: [credentials.oauthToken] };
  }
  const secret = 'apiToken' in credentials ? credentials.apiToken : credentials.password;
  const user = 'apiToken' in credentials ? `${credentials.email}/token` : credentials.email;
  const encoded = Buffer.from(`${user}:${secret}`, 'utf8').toString('base64');
  return { header: `Basic ${encoded}`, secrets: [encoded, secret] };
}
