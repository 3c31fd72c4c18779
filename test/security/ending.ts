import { until } from '../support/condition.ts';
import { lastWords, START_SECOND } from '../support/scripted-producer.ts';
import { page, ScriptedZendesk, ticket } from '../support/scripted-zendesk.ts';
import type { ServiceProcess } from '../support/service-process.ts';

/** What a process says at its end. */
export interface Ending {
  readonly exitCode: number | null;
  /** Message, code and remedy of the error that ended it; empty where none did. */
  readonly words: string;
  readonly everything: string;
}

/**
 * Starts it and waits for its end.
 * @throws with the end of its log where it goes on: it waits for what will never come
 */
export async function endingOf(process: ServiceProcess<'producer' | 'search' | 'alerting'>): Promise<Ending> {
  process.start();
  try {
    await until(`the end of ${process.name}`, () => !process.running, 60_000);
  } catch (error) {
    await process.stop();
    throw new Error(`${String(error)}\n${process.log.slice(-3_000)}`);
  }
  const words = lastWords(process.log);
  return {
    exitCode: process.exitCode,
    words: words === undefined ? '' : `${words.message} (${words.code}) ${words.remedy}`,
    everything: process.log,
  };
}

/** An account whose every page has something for each topic: a ticket, and one that can only be a dead letter. */
export async function smallAccount(): Promise<ScriptedZendesk> {
  const zendesk = await ScriptedZendesk.start();
  zendesk.rest = (response, { startTime }) => {
    const id = startTime - START_SECOND + 1;
    page([ticket(id, startTime), { subject: `no id, number ${id}`, generated_timestamp: startTime }], {
      end_time: startTime + 1,
      end_of_stream: true,
    })(response);
  };
  return zendesk;
}

/** The options of an export of it that ends at the end of the stream. */
export function exportOf(zendesk: ScriptedZendesk): Record<string, string> {
  return {
    ZENDESK_URL: zendesk.url,
    ZENDESK_EMAIL: 'admin@acme.example',
    ZENDESK_API_TOKEN: 'token-of-zendesk',
    EXPORT_SOURCE: 'test:small-account',
    EXPORT_REQUESTS_PER_MINUTE: '6000',
    START_TIME: String(START_SECOND),
    EXPORT_ONCE: 'true',
  };
}
