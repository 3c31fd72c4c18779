import { passed, ServiceProcess } from '../../../test/support/service-process.ts';
import type { FilledLog } from './filled-log.ts';

export type SinkName = 'search' | 'alerting';

/** Records a second, from the first that the service said it had consumed to the last. */
export interface ServiceRun {
  readonly rate: number;
  readonly service: ServiceProcess<SinkName>;
}

const WITHIN_MS = 900_000;

/**
 * Starts the service, which reads the whole log, and times it. What it says comes four times a second, so the end is
 * seen up to 250 ms late: a rate is rather too low than too high, the faster the more.
 */
export async function timeWholeLog(
  name: SinkName,
  dataDir: string,
  env: NodeJS.ProcessEnv,
  { records, ends }: FilledLog,
): Promise<ServiceRun> {
  const service = new ServiceProcess(name, dataDir, env).start();
  const begun = await service.until(
    'its first records',
    ({ books }) => books.consumed > 0 && { consumed: books.consumed, atMs: performance.now() },
    WITHIN_MS,
  );
  await service.until(
    'the end of the log',
    (progress) => progress.books.consumed >= records && passed(progress, ends),
    WITHIN_MS,
  );
  const seconds = (performance.now() - begun.atMs) / 1_000;
  return { rate: (records - begun.consumed) / seconds, service };
}
