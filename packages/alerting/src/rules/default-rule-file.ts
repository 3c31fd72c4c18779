import { fileURLToPath } from 'node:url';

/** Path of the rule file that is used where none is named. */
export const defaultRuleFile = fileURLToPath(new URL('../../rules/default.yaml', import.meta.url));
