/**
 * The caller's callbacks that a subscription waits for: an end asked for in one of them must not be waited for there,
 * or both would wait for each other for ever.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface AwaitedCallbacks {
  /** Calls it and gives what it gives, at once where that is no promise: a store may want its effect so. */
  call<T>(callback: () => T): T;
  /** Whether the code that asks is of a call that is not over: what a callback left running is of none. */
  isWithin(): boolean;
}

export function awaitedCallbacks(): AwaitedCallbacks {
  const calls = new AsyncLocalStorage<{ over: boolean }>();
  return {
    call(callback) {
      const call = { over: false };
      const end = () => {
        call.over = true;
      };
      try {
        const result = calls.run(call, callback);
        Promise.resolve(result).then(end, end);
        return result;
      } catch (error) {
        end();
        throw error;
      }
    },
    isWithin: () => calls.getStore()?.over === false,
  };
}
