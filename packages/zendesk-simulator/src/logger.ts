/** pino's shape; the package logs through what its caller hands over, and not at all without. */
export interface SimulatorLogger {
  info(object: object, message: string): void;
  warn(object: object, message: string): void;
}

export const silent: SimulatorLogger = { info() {}, warn() {} };
