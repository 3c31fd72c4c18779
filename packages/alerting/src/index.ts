export { type HistoryEntry, type HistoryState, historyStates } from './alert-record.ts';
export { AlertState } from './alert-state.ts';
export type { Channel } from './channels/channel.ts';
export { logChannel } from './channels/log.ts';
export { webhookChannel, webhookSecretProblem } from './channels/webhook.ts';
export { type Outbox, startOutbox } from './outbox.ts';
export { raiseAlerts } from './raise-alerts.ts';
export { defaultRuleFile } from './rules/default-rule-file.ts';
export { loadRuleFile } from './rules/rule-file.ts';
