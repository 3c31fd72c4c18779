export { celFromJson, noTicket } from './cel-values.ts';
export {
  type Condition,
  ConditionFailure,
  type ConditionProblem,
  type ConditionVariables,
  compileCondition,
} from './condition.ts';
