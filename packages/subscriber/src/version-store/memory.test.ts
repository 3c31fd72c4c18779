import { describe } from 'vitest';
import { memoryVersionStore } from './memory.ts';
import { versionStoreContract } from './version-store.contract.ts';

describe('the memory version store', () => versionStoreContract(memoryVersionStore));
