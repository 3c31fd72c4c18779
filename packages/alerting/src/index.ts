export { defaultRuleFile } from './rules/default-rule-file.ts';
export type { Rule, Severity } from './rules/rule.ts';
export { loadRuleFile } from './rules/rule-file.ts';
