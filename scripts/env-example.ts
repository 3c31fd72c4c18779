import { optionsEnvExample } from '@ticket-stream/service-kit';
import { alertingOptions } from '../services/alerting/src/config.ts';
import { producerOptions } from '../services/producer/src/config.ts';
import { searchOptions } from '../services/search/src/config.ts';

/** `.env.example`, written from the option tables of the three services; what they share stands once. */
const seen = new Set<string>();
const sections = (
  [
    ['Producer', producerOptions],
    ['Search', searchOptions],
    ['Alerting', alertingOptions],
  ] as const
).map(([title, table]) => {
  const block = optionsEnvExample(table, new Set(seen));
  for (const name of Object.keys(table.options)) seen.add(name);
  return `# ── ${title} ${'─'.repeat(Math.max(0, 90 - title.length))}\n\n${block}`;
});

process.stdout.write(
  `# Every option, with its default or an example. Copy to .env and uncomment what you need: \`npm run …\` reads it.\n# Written by \`npm run docs\` from services/*/src/config.ts.\n\n${sections.join('\n')}`,
);
