/** How the export's requests ended, in this run. */
export interface RequestCounts {
  /** Export requests that reached the simulator; = pages + cut + rateLimited + tooRecent + refused. */
  total: number;
  /** Sent to their last byte. */
  pages: number;
  cut: number;
  tickets: number;
  ticketBytes: number;
  rateLimited: number;
  tooRecent: number;
  refused: number;
  /** Of `POST /oauth/tokens`, which is no export request. */
  tokensIssued: number;
  tokensRefused: number;
}
