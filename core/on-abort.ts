import { setMaxListeners } from 'node:events';

/** Calls the listener once when the signal aborts, at once if it has; dispose it to stop listening. */
export function onAbort(signal: AbortSignal, listener: () => void): Disposable {
  setMaxListeners(0, signal); // hundreds of calls wait on one signal; each stops listening when it ends
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', listener) };
}
