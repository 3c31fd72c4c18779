/**
 * Says on stderr what takes longer than 2 s, and for how long it has: a line that redraws itself, or one line a spell.
 */
import { createLogUpdate } from 'log-update';

const SILENT_MS = 2_000;
const REDRAW_EVERY_MS = 500;
const LINE_EVERY_MS = 10_000;

/**
 * @param doing  in the words of a person who waits: "looking at the groups"; asked anew for each line
 * @param work   prints nothing: what stands below the line is erased with it
 */
export async function whileShowing<T>(doing: () => string, work: () => Promise<T>): Promise<T> {
  const { stderr } = process;
  const startedMs = performance.now();
  const line = (): string => `${doing()} (${Math.round((performance.now() - startedMs) / 1000)} s)`;
  const update = stderr.isTTY === true ? createLogUpdate(stderr) : undefined;
  const show = (): void => {
    if (update === undefined) stderr.write(`${line()}\n`);
    else update(line());
  };
  let every: NodeJS.Timeout | undefined;
  const first = setTimeout(() => {
    show();
    every = setInterval(show, update === undefined ? LINE_EVERY_MS : REDRAW_EVERY_MS);
  }, SILENT_MS);
  try {
    return await work();
  } finally {
    clearTimeout(first);
    clearInterval(every);
    update?.clear();
    update?.done();
  }
}
