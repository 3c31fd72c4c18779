/** What is known of an export from outside: its checkpoint, the log, and a producer that answers. */
import { formatRfc3339Second } from '@ticket-stream/ticket';
import type { Gap, NextRequest, Unseen } from '@ticket-stream/zendesk-export';
import { type Cluster, findCheckpoint } from '../environment/cluster.ts';
import type { ProducerAnswer } from './producer-probe.ts';

/** The object of `export status --json`; docs/export.md describes its keys. Moments are RFC 3339 UTC. */
export interface ExportStatus {
  readonly topic: string;
  readonly exported: boolean;
  readonly export?: {
    readonly source: string;
    readonly logId: string;
    readonly owner: string;
    readonly sequence: number;
    readonly writtenAt: string;
    readonly position: string | null;
    readonly positionAgeSeconds: number | null;
    readonly next: {
      readonly mode: NextRequest['mode'];
      readonly from: string;
      readonly startTime: number;
      /** Between two pages by cursor: `from` is the newest second shown. */
      readonly inNewestSecond: boolean;
    };
    readonly boundary: {
      readonly second: string;
      readonly entries: number;
      readonly overflowed: boolean;
    };
    readonly scope: {
      readonly excludeDeleted: boolean;
      readonly supportTypes: string;
      readonly hiddenSince: Readonly<Record<string, string>>;
    };
    readonly unseen: readonly OnRecord<Unseen['what'], 'what'>[];
    readonly gaps: readonly (OnRecord<Gap['why'], 'why'> & { readonly acceptedAt: string })[];
    /** Where each partition goes on; commit markers take offsets too. */
    readonly nextOffsets: Readonly<Record<string, string>>;
    readonly nextOffsetsSum: string;
  };
  /** Partitions in which an open transaction holds read_committed readers back. */
  readonly heldBack: readonly {
    readonly partition: number;
    readonly since: string | null;
    readonly stableEnd: string;
    readonly highWatermark: string;
  }[];
  /** null: none runs on this data folder. */
  readonly producer: ProducerAnswer | null;
}

type OnRecord<Value, Name extends string> = { readonly [name in Name]: Value } & {
  readonly from: string;
  readonly until: string;
  /** The command that brings it back. */
  readonly remedy: string;
};

export async function readExportStatus(
  log: Pick<Cluster, 'reader' | 'names'>,
  producer: ProducerAnswer | undefined,
  nowMs: number,
): Promise<ExportStatus> {
  const { reader, names } = log;
  const found = await findCheckpoint(log);
  const held = (await reader.topicExists(names.tickets)) ? await reader.heldBack(names.tickets) : new Map();
  const heldBack = [...held].map(([partition, { sinceMs, stableEnd, highWatermark }]) => ({
    partition,
    since: sinceMs === undefined ? null : new Date(sinceMs).toISOString(),
    stableEnd: String(stableEnd),
    highWatermark: String(highWatermark),
  }));
  const common = { topic: names.tickets, heldBack, producer: producer ?? null };
  if (found === undefined) return { ...common, exported: false };
  const { checkpoint, writtenAtMs } = found;
  const { exportState: state, source, logId, owner, sequence } = checkpoint;
  const { next, boundary, position, scope } = state;
  const nextOffsets = [...checkpoint.nextOffsets];
  return {
    ...common,
    exported: true,
    export: {
      source,
      logId,
      owner,
      sequence,
      writtenAt: new Date(writtenAtMs).toISOString(),
      position: position === undefined ? null : formatRfc3339Second(position),
      positionAgeSeconds: position === undefined ? null : Math.round(nowMs / 1000 - position),
      next: {
        mode: next.mode,
        from: formatRfc3339Second(next.startTime),
        startTime: next.startTime,
        inNewestSecond: next.mode === 'cursor' && next.cursor !== undefined,
      },
      boundary: {
        second: formatRfc3339Second(boundary.second),
        entries: Object.keys(boundary.digests).length,
        overflowed: boundary.overflowed,
      },
      scope: {
        ...scope,
        hiddenSince: Object.fromEntries(
          Object.entries(state.hiddenSince).map(([what, since]) => [what, formatRfc3339Second(since)]),
        ),
      },
      unseen: state.unseen.map(({ what, ...stretch }) => ({ what, ...onRecord(stretch) })),
      gaps: state.gaps.map(({ why, acceptedAt, ...stretch }) => ({
        why,
        ...onRecord(stretch),
        acceptedAt: formatRfc3339Second(acceptedAt),
      })),
      nextOffsets: Object.fromEntries(nextOffsets.map(([partition, offset]) => [partition, String(offset)])),
      nextOffsetsSum: String(nextOffsets.reduce((sum, [, offset]) => sum + offset, 0n)),
    },
  };
}

function onRecord({ from, until }: { readonly from: number; readonly until: number }) {
  const since = formatRfc3339Second(from);
  return {
    from: since,
    until: formatRfc3339Second(until),
    remedy: `ticket-stream export reset --to ${since}`,
  };
}
