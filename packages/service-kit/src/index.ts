export {
  commonOptions,
  type KafkaConnectionSettings,
  type KafkaOptionValues,
  kafkaConnection,
  kafkaOptions,
} from './common-options.ts';
export { createHttpServer, healthRoutes, listen, onlyKnownHosts, readServiceUrl } from './http.ts';
export { createLogger, type Logger, type LogLevel } from './logger.ts';
export { isLoopbackHost } from './loopback.ts';
export { type KnownValues, type OptionProblem, option } from './option.ts';
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
export {
  type ConsumerProgress,
  createProgressReporter,
  isSupervised,
  type ProducerProgress,
  type ServiceMessage,
  tellSupervisor,
} from './progress.ts';
export { runService, type ServiceContext } from './run-service.ts';
export { startTelemetry, type Telemetry } from './telemetry.ts';
