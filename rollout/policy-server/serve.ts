import { once } from 'node:events';
import { createPolicyServer, type PolicyServerParts } from './server.js';

export interface ServeOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Called once, when the server answers. */
  readonly onListening: (url: string) => void;
}

/** Serves the policy until the signal aborts and every call in flight has been answered; disposes nothing of the policy. */
export async function servePolicy(parts: PolicyServerParts, options: ServeOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await using app = createPolicyServer(parts);
  const url = await app.listen({ host: options.host, port: options.port });
  options.onListening(url);
  if (!signal.aborted) await once(signal, 'abort');
}
