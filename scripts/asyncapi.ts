import { stringify } from 'yaml';
import { asyncApiDocument } from './asyncapi/document.ts';

/** `docs/reference/asyncapi.yaml`, written from the tables in code. */
process.stdout.write(
  `# Written by \`npm run docs\` from packages/ticket/src/schema, packages/kafka and scripts/asyncapi.\n${stringify(
    asyncApiDocument(),
    { lineWidth: 110, aliasDuplicateObjects: false },
  )}`,
);
