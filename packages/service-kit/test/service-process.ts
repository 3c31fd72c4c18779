/** A service whose only work is to do what BEHAVIOUR says; started by run-service.test.ts. */
import { writeFileSync } from 'node:fs';
import { TicketStreamError } from '@ticket-stream/errors';
import {
  commonOptions,
  createHttpServer,
  defineOptions,
  kafkaConnection,
  kafkaOptions,
  listen,
  option,
  runService,
} from '../src/index.ts';

const options = defineOptions({
  ...kafkaOptions,
  ...commonOptions,
  ZENDESK_API_TOKEN: option.secret({ text: 'API token.' }),
  SEARCH_PORT: option.port({ text: 'Port.', default: 0 }),
  BEHAVIOUR: option.choice({
    text: 'What the service does.',
    of: [
      'serves',
      'waits',
      'returns',
      'throws',
      'throws-by-code',
      'throws-its-secret',
      'rejects-unhandled',
      'throws-uncaught',
      'follows-signal',
      'ignores-signal',
      'cleans-up-for-ever',
      'cleans-up-badly',
      'fails-while-others-wait',
      'reads-certificates',
    ],
    default: 'waits',
  }),
  CODE: option.choice({
    text: 'Code of the error it throws.',
    of: ['config.invalid', 'zendesk.credentials_refused', 'kafka.fenced', 'log.cut', 'internal.defect'],
    default: 'internal.defect',
  }),
});

const forEver = (): Promise<void> => new Promise(() => {});

await runService(
  { name: 'search', summary: 'does what a test asks for', options },
  async ({ options: values, logger, signal, stopped, onShutdown, isSet }) => {
    onShutdown(() => logger.info('clean-up 1'));
    onShutdown(async () => logger.info('clean-up 2'));
    logger.info({ behaviour: values.BEHAVIOUR }, 'running');
    switch (values.BEHAVIOUR) {
      case 'serves': {
        const app = createHttpServer({ logger });
        onShutdown(() => app.close());
        await listen(app, {
          name: 'SEARCH_PORT',
          port: values.SEARCH_PORT,
          explicit: isSet('SEARCH_PORT'),
          dataDir: values.DATA_DIR,
          file: 'search',
        });
        return stopped;
      }
      case 'waits':
        return stopped;
      case 'returns':
        return;
      case 'throws':
        throw new Error('no idea');
      case 'throws-by-code':
        throw new TicketStreamError(values.CODE, 'as asked', { remedy: 'Do this.' });
      case 'throws-its-secret':
        throw new Error(`refused: ${values.ZENDESK_API_TOKEN}`);
      case 'rejects-unhandled':
        void Promise.reject(new Error('nobody waits for this'));
        return forEver();
      case 'throws-uncaught':
        setImmediate(() => {
          throw new TicketStreamError('log.cut', 'from a callback');
        });
        return forEver();
      case 'follows-signal':
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () =>
            reject(new TicketStreamError('kafka.unavailable', 'cut', { cause: signal.reason })),
          );
        });
        return;
      case 'ignores-signal':
        return forEver();
      case 'cleans-up-for-ever':
        onShutdown(forEver);
        return stopped;
      case 'cleans-up-badly':
        onShutdown(() => {
          throw new Error('could not close');
        });
        return stopped;
      case 'fails-while-others-wait':
        signal.addEventListener('abort', () => writeFileSync(`${values.DATA_DIR}.aborted`, 'yes'));
        throw new TicketStreamError('kafka.fenced', 'another one writes');
      case 'reads-certificates':
        kafkaConnection(values);
        return;
    }
  },
);
