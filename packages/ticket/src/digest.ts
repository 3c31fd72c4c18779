import { hash } from 'node:crypto';

/** `ce_digest`: the first 32 hex digits of the SHA-256 of the ticket's bytes as Zendesk sent them. */
export function ticketDigest(value: Uint8Array): string {
  return hash('sha256', value, 'hex').slice(0, 32);
}
