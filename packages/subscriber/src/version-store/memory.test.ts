import { describe } from 'vitest';
import { memoryVersionStore } from './memory.ts';
import { ticketKeepingContract, versionStoreContract } from './version-store.contract.ts';

describe('the memory version store', () => {
  versionStoreContract(memoryVersionStore);
  describe('that keeps tickets', () => {
    versionStoreContract(() => memoryVersionStore({ keepTickets: true }));
    ticketKeepingContract(() => memoryVersionStore({ keepTickets: true }));
  });
});
