/**
 * Whether the export gets on, told by what it does and not by its being there.
 *
 * *Moved*: a ticket was parsed, or a page answered ("nothing new" too). *Tried*: anything at all was begun or ended:
 * a request, a wait, an attempt to reach Kafka.
 *
 * - `/readyz` is 503 before the first page, and once nothing moved for a minute or three turns of the pace, whichever
 *   is longer; at once where a wait is known to last longer than that (a 429 that asks for 10 minutes).
 * - `/healthz` is 503 once nothing was even tried for 15 minutes beyond a wait whose end is known: longer than the
 *   page's budget (5 min) and the transaction's timeout (6 min) together, so the loop hangs and a restart helps.
 *   Waiting for Kafka or Zendesk is healthy, for days if need be.
 */
import type { BackfillProgress, Health, ProducerProgress } from '@ticket-stream/service-kit';
import { durationText } from '@ticket-stream/service-kit';

const STANDS_SECONDS = 60;
const STANDS_TURNS = 3;
const HANGS_SECONDS = 15 * 60;

export interface ExportActivity {
  readonly stage: ProducerProgress['stage'];
  readonly secondsSinceMoved: number;
  readonly secondsSinceTried: number;
  /** Between two turns of the pace. */
  readonly spacingSeconds: number;
  readonly waiting: BackfillProgress['waiting'];
  /** In words, as the loop says it: "Zendesk, 93 s (429)". */
  readonly waitingFor: string | undefined;
}

export function exportReadiness(activity: ExportActivity): Health {
  const { stage, secondsSinceMoved, spacingSeconds, waiting, waitingFor } = activity;
  if (stage === 'ended') return { ok: true };
  const why = waitingFor === undefined ? '' : `: waiting for ${waitingFor}`;
  if (stage === 'starting') return { ok: false, reason: `starting${why}` };
  const standsSeconds = Math.max(STANDS_SECONDS, STANDS_TURNS * spacingSeconds);
  if (secondsSinceMoved > standsSeconds) {
    return { ok: false, reason: `nothing moved for ${durationText(secondsSinceMoved)}${why}` };
  }
  if (waiting === undefined || waiting.cause === 'pace' || waiting.leftSeconds === undefined)
    return { ok: true };
  if (waiting.forSeconds + waiting.leftSeconds <= standsSeconds) return { ok: true };
  return { ok: false, reason: `stands for another ${durationText(waiting.leftSeconds)}${why}` };
}

export function exportHealth({ secondsSinceTried, waiting }: ExportActivity): Health {
  if ((waiting?.leftSeconds ?? 0) > 0 || secondsSinceTried <= HANGS_SECONDS) return { ok: true };
  return { ok: false, reason: `hangs: nothing was tried for ${durationText(secondsSinceTried)}` };
}
