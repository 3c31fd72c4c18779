export type { CommandedVersion, LatestVersion, SimulatorStatus } from './account.ts';
export { frozenClock, type SimulatorClock, scaledClock } from './clock.ts';
export {
  type Fault,
  type FaultPlan,
  type FaultRule,
  type FaultTarget,
  seededFaults,
} from './faults/fault-plan.ts';
export {
  DEFAULT_CLIENT_ID,
  DEFAULT_CLIENT_SECRET,
  DEFAULT_EMAIL,
  DEFAULT_TOKEN,
  type SimulatorCredentials,
} from './http/authentication.ts';
export { readLedger, readServedPages, type ServedPage, type ServedVersion } from './ledger.ts';
export { type Simulator, startSimulator } from './simulator.ts';
export type { SimulatorOptions } from './simulator-options.ts';
