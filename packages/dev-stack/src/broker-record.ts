import { writeFileSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrokerIdentity } from './broker-process.ts';

/**
 * What a run writes down about its broker, for the run after it: when this one is killed, its broker lives on, and is
 * taken over or ended by what stands here.
 */
export interface BrokerRecord {
  readonly identity: BrokerIdentity;
  readonly port: number;
  readonly controllerPort: number;
  /** Digest of version and settings: a broker with other settings is not taken over. */
  readonly settingsDigest: string;
}

const fileName = 'broker.json';

/** Synchronous, directly after the launch: a kill between the two would leave a broker that nobody knows of. */
export function writeBrokerRecord(dataDir: string, record: BrokerRecord): void {
  writeFileSync(join(dataDir, fileName), JSON.stringify(record, undefined, 2));
}

/** @returns undefined when there is none; also when it was cut in the middle, for then its run was */
export async function readBrokerRecord(dataDir: string): Promise<BrokerRecord | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(join(dataDir, fileName), 'utf8'));
    return isBrokerRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

export async function removeBrokerRecord(dataDir: string): Promise<void> {
  await rm(join(dataDir, fileName), { force: true });
}

interface Ports {
  readonly port: number;
  readonly controllerPort: number;
}

/** The ports of the last start: kept, so that what a person has typed into another terminal goes on working. */
export async function readPorts(dataDir: string): Promise<Ports | undefined> {
  try {
    const ports: unknown = JSON.parse(await readFile(join(dataDir, 'ports.json'), 'utf8'));
    return hasPorts(ports) ? { port: ports.port, controllerPort: ports.controllerPort } : undefined;
  } catch {
    return undefined;
  }
}

export async function writePorts(dataDir: string, ports: Ports): Promise<void> {
  const file = join(dataDir, 'ports.json');
  await writeFile(`${file}.new`, JSON.stringify(ports));
  await rename(`${file}.new`, file);
}

function isBrokerRecord(value: unknown): value is BrokerRecord {
  if (!hasPorts(value) || !('identity' in value) || !('settingsDigest' in value)) return false;
  const { identity, settingsDigest } = value;
  if (typeof settingsDigest !== 'string' || typeof identity !== 'object' || identity === null) return false;
  if (!('kind' in identity)) return false;
  if (identity.kind === 'docker') return 'container' in identity && typeof identity.container === 'string';
  return (
    identity.kind === 'java' &&
    'pid' in identity &&
    typeof identity.pid === 'number' &&
    'startedAt' in identity &&
    typeof identity.startedAt === 'string'
  );
}

function hasPorts(value: unknown): value is Ports {
  return (
    typeof value === 'object' &&
    value !== null &&
    'port' in value &&
    typeof value.port === 'number' &&
    'controllerPort' in value &&
    typeof value.controllerPort === 'number'
  );
}
