import { runService } from '@ticket-stream/service-kit';
import { alertingOptions } from './config.ts';
import { runAlerting } from './wire.ts';

await runService(
  {
    name: 'alerting',
    summary:
      'Asks a file of rules about every change of a ticket, and delivers what fires by webhook and log.',
    options: alertingOptions,
  },
  runAlerting,
);
