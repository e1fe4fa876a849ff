import { type SandboxConfig, sandboxConfig } from '../../sandbox/config.js';
import { openSandboxProvider } from '../../sandbox/open-sandbox-provider.js';
import type { ToolContext } from '../../tools/tool.js';

/** A context whose tools need no sandbox. */
export function withoutSandbox(signal: AbortSignal = new AbortController().signal): ToolContext {
  return { signal, sandbox: () => Promise.reject(new Error('this test has no sandbox')) };
}

/** A context with one sandbox, made at the first use. */
export async function openContext(config: Partial<SandboxConfig> = {}): Promise<ToolContext & AsyncDisposable> {
  const { signal } = new AbortController();
  const { provider } = await openSandboxProvider(sandboxConfig.parse(config), signal);
  const sandbox = await provider.create(signal);
  return { signal, sandbox: async () => sandbox, [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose]() };
}
