export { backfillEndText, backfillParts, backfillText, durationText } from './backfill-text.ts';
export { commonOptions } from './common-options.ts';
export { consumerOptions, subscriptionSettings } from './consumer-options.ts';
export { dataFolder } from './data-folder.ts';
export { type Health, healthRoutes, metricsRoute } from './health-routes.ts';
export { createHttpServer, isAlive, listen, onlyKnownHosts, readServiceUrl } from './http.ts';
export {
  type KafkaConnectionSettings,
  type KafkaOptionValues,
  kafkaConnection,
  kafkaOptions,
} from './kafka-options.ts';
export { createLogger, type Logger, type LogLevel } from './logger.ts';
export { isLoopbackHost } from './loopback.ts';
export {
  type MetricTable,
  type Reading,
  type Readings,
  type Recorder,
  registerMetrics,
} from './metrics.ts';
export { type KnownValues, type OptionProblem, option, secretFileName } from './option.ts';
export {
  defineOptions,
  type Environment,
  effectiveOptions,
  isOptionSet,
  type OptionTable,
  type OptionValues,
  optionWarnings,
  readOptions,
  type TableProblem,
} from './options.ts';
export { optionsEnvExample, optionsHelp } from './options-help.ts';
export { processMetrics } from './process-metrics.ts';
export {
  type BackfillProgress,
  type ConsumerProgress,
  createProgressReporter,
  isSupervised,
  type ProducerProgress,
  type ServiceMessage,
  tellSupervisor,
  type WaitCause,
} from './progress.ts';
export { prometheusName } from './prometheus-name.ts';
export { runService, type ServiceContext } from './run-service.ts';
export { startTelemetry, type Telemetry } from './telemetry.ts';
export { exportOptions, zendeskCredentials, zendeskOptions } from './zendesk-options.ts';
