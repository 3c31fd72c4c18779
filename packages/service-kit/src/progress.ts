/**
 * What a service tells the supervisor that started it, over Node's IPC channel: where it stands, a few times a
 * second. Without a supervisor nothing is sent. The channel's end tells the service that its supervisor died.
 */

export interface ProducerProgress {
  readonly service: 'producer';
  readonly stage: 'starting' | 'backfill' | 'live' | 'ended';
  readonly pages: number;
  readonly requests: number;
  /** Tickets read from pages; = published + repeated + deadLettered. */
  readonly exported: number;
  readonly published: number;
  /** Dropped at the boundary second: already in the log with these bytes. */
  readonly repeated: number;
  readonly deadLettered: number;
  /** The second up to which the export is complete, epoch seconds. */
  readonly positionSecond: number | undefined;
  /** Next offset of each partition as the last committed checkpoint has it. */
  readonly nextOffsets: Readonly<Record<string, string>>;
  readonly waitingFor: string | undefined;
  /** Only while a backfill is under way. */
  readonly backfill?: BackfillProgress | undefined;
}

/**
 * Why the producer does not ask for a page:
 * - `pace`        its turn of the allowance has not come
 * - `rate_limit`  Zendesk answered 429 and said how long
 * - `zendesk`     Zendesk fails; asked again with backoff
 * - `kafka`       the cluster is away, or a transaction is in doubt
 */
export type WaitCause = 'pace' | 'rate_limit' | 'zendesk' | 'kafka';

/** How far a backfill is, as this run sees it: counts begin at 0 with the process. */
export interface BackfillProgress {
  readonly tickets: number;
  /** Over the last minute. */
  readonly ticketsPerSecond: number;
  /** The second up to which the export is complete, epoch seconds. */
  readonly positionSecond: number | undefined;
  /** Of the time to be exported, 0 to 1; never falls. undefined: where the tickets begin is not known. */
  readonly fraction: number | undefined;
  /** undefined: not known yet, or not any more because it stands. */
  readonly endsInSeconds: number | undefined;
  readonly elapsedSeconds: number;
  readonly requestsLastMinute: number;
  /** What EXPORT_REQUESTS_PER_MINUTE and its share allow. */
  readonly requestsAllowed: number;
  readonly waitedSeconds: Readonly<Record<WaitCause, number>>;
  /** The wait of this moment; `leftSeconds` where its end is known. */
  readonly waiting:
    | {
        readonly cause: WaitCause;
        readonly forSeconds: number;
        readonly leftSeconds: number | undefined;
      }
    | undefined;
}

export interface ConsumerProgress {
  readonly service: 'search' | 'alerting';
  /** Counted by this run. */
  readonly books: Readonly<
    Record<'consumed' | 'applied' | 'duplicate' | 'stale' | 'skipped' | 'deadLettered', number>
  >;
  /** Records between the position and the last stable offset, all partitions; undefined until known. */
  readonly lag: number | undefined;
  /** Next offset of each partition, durable in the store. */
  readonly nextOffsets: Readonly<Record<string, string>>;
  readonly caughtUp: boolean;
  readonly waitingFor: string | undefined;
  /** search: rows of the index, deleted and scrubbed included. */
  readonly indexed?: number;
  readonly alerts?: number;
  readonly lastAlert?: { readonly rule: string; readonly ticketId: string; readonly at: string } | undefined;
}

export type ServiceMessage =
  | { readonly type: 'listening'; readonly service: string; readonly url: string }
  | {
      readonly type: 'progress';
      readonly progress: ProducerProgress | ConsumerProgress;
      /** The largest resident size this process reached, MB. */
      readonly maxRssMb: number;
    }
  | {
      readonly type: 'failed';
      readonly service: string;
      readonly code: string;
      readonly message: string;
      readonly remedy: string;
    };

export function tellSupervisor(message: ServiceMessage): void {
  void sendToSupervisor(message);
}

/** @returns when the message is on its way (a process may end then), or can't be any more; never fails */
export function sendToSupervisor(message: ServiceMessage): Promise<void> {
  return new Promise((resolve) => {
    // A supervisor that is gone closes the channel between the check and the send; it cannot be told then.
    if (process.connected && process.send !== undefined)
      process.send(message, undefined, undefined, () => resolve());
    else resolve();
  });
}

/** @returns true when this process has a supervisor to report to */
export function isSupervised(): boolean {
  return process.send !== undefined;
}

/**
 * Sends the snapshot when it differs from the one sent last, every `everyMs`, and a last time at `stop`.
 * Nothing runs in a process without a supervisor.
 */
export function createProgressReporter(
  snapshot: () => ProducerProgress | ConsumerProgress,
  everyMs = 250,
): { readonly stop: () => void } {
  if (!isSupervised()) return { stop: () => {} };
  let sent = '';
  const send = (): void => {
    const progress = snapshot();
    const text = JSON.stringify(progress);
    if (text === sent) return;
    sent = text;
    tellSupervisor({ type: 'progress', progress, maxRssMb: process.resourceUsage().maxRSS / 1024 });
  };
  const timer = setInterval(send, everyMs);
  timer.unref();
  send();
  return {
    stop: () => {
      clearInterval(timer);
      send();
    },
  };
}
