import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TicketStreamError } from '@ticket-stream/errors';

/**
 * @returns the service's own folder under DATA_DIR, made where it is missing: tickets are personal data, so for the
 *          owner's eyes only
 * @throws config.invalid  it cannot be made or written, as with a mounted folder that belongs to another user
 */
export function dataFolder(dataDir: string, name: string): string {
  const folder = join(dataDir, name);
  try {
    mkdirSync(dataDir, { recursive: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
    return folder;
  } catch (error) {
    throw cannotBeWritten(folder, error);
  }
}

export function cannotBeWritten(folder: string, cause: unknown): TicketStreamError {
  return new TicketStreamError('config.invalid', `DATA_DIR: nothing can be written under ${folder}`, {
    cause,
    remedy: 'Give a folder that this user may write to.',
  });
}
