import { runService } from '@ticket-stream/service-kit';
import { searchOptions } from './config.ts';
import { runSearch } from './wire.ts';

await runService(
  {
    name: 'search',
    summary: "Keeps a searchable copy of every ticket and answers queries in Zendesk's search language.",
    options: searchOptions,
  },
  runSearch,
);
