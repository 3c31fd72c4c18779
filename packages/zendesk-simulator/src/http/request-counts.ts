const MINUTE_MS = 60_000;

/** How the export's requests ended, in this run. */
export interface RequestFigures {
  /**
   * Export requests that reached the simulator; = pages + cut + rateLimited + tooRecent + refused + faulted, once they
   * have been answered.
   */
  readonly total: number;
  /** Sent to their last byte. */
  readonly pages: number;
  /** By the client, or by a stop. */
  readonly cut: number;
  readonly tickets: number;
  readonly ticketBytes: number;
  /** 429, because the allowance was used up. */
  readonly rateLimited: number;
  /** 429, because a fault said so; these are among the faulted. */
  readonly rateLimitedByFault: number;
  readonly tooRecent: number;
  readonly refused: number;
  /** Answered otherwise than with a page that could be used, by a fault. */
  readonly faulted: number;
  /** By status, of those whose head was sent. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** Most requests, whatever came of them, in any sixty seconds of the limit's clock. */
  readonly busiestMinute: number;
  /** From the first request to the last, by the limit's clock. */
  readonly spanSeconds: number;
  /** Of `POST /oauth/tokens`, which is no export request. */
  readonly tokensIssued: number;
  readonly tokensRefused: number;
}

/** The figures as they grow. */
export class RequestCounts {
  total = 0;
  pages = 0;
  cut = 0;
  tickets = 0;
  ticketBytes = 0;
  rateLimited = 0;
  rateLimitedByFault = 0;
  tooRecent = 0;
  refused = 0;
  faulted = 0;
  tokensIssued = 0;
  tokensRefused = 0;
  private readonly statuses: Record<string, number> = {};
  private readonly nowMs: () => number;
  /** Arrivals of the last minute from `oldest` on; what lies before is cut off now and then. */
  private arrivalsMs: number[] = [];
  private oldest = 0;
  private busiest = 0;
  private firstMs: number | undefined;
  private lastMs = 0;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  arrived(): void {
    this.total += 1;
    const now = this.nowMs();
    this.firstMs ??= now;
    this.lastMs = now;
    this.arrivalsMs.push(now);
    while ((this.arrivalsMs[this.oldest] ?? now) <= now - MINUTE_MS) this.oldest += 1;
    this.busiest = Math.max(this.busiest, this.arrivalsMs.length - this.oldest);
    if (this.oldest < 1024) return;
    this.arrivalsMs = this.arrivalsMs.slice(this.oldest);
    this.oldest = 0;
  }

  answered(status: number): void {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
  }

  figures(): RequestFigures {
    const { total, pages, cut, tickets, ticketBytes, rateLimited, rateLimitedByFault } = this;
    const { tooRecent, refused, faulted, tokensIssued, tokensRefused } = this;
    return {
      ...{ total, pages, cut, tickets, ticketBytes, rateLimited, rateLimitedByFault },
      ...{ tooRecent, refused, faulted, tokensIssued, tokensRefused },
      byStatus: { ...this.statuses },
      busiestMinute: this.busiest,
      spanSeconds: (this.lastMs - (this.firstMs ?? this.lastMs)) / 1000,
    };
  }
}
