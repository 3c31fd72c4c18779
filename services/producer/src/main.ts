import { runService } from '@ticket-stream/service-kit';
import { producerOptions } from './config.ts';
import { runProducer } from './wire.ts';

await runService(
  {
    name: 'producer',
    summary: "Publishes every change that Zendesk's incremental ticket export shows to the tickets topic.",
    options: producerOptions,
  },
  runProducer,
);
