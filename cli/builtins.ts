import type { EnvDefinition } from '../envs/environment.js';
import { builtInEnvs } from '../envs/registry.js';
import { builtInTools } from '../tools/registry.js';
import type { Tool } from '../tools/tool.js';

/** What the program brings along: environments, tools, packages for user modules. */
export interface Builtins {
  readonly envs: readonly EnvDefinition[];
  readonly tools: readonly Tool[];
  /** Imports that user modules share with the running program, by the name they are imported under. */
  readonly packages: { readonly [name: string]: () => Promise<object> };
}

export const builtins: Builtins = {
  envs: builtInEnvs,
  tools: builtInTools,
  packages: {
    zod: () => import('zod'),
    'verlet/core': () => import('../core/public.js'),
    'verlet/sandbox': () => import('../sandbox/public.js'),
    'verlet/tools': () => import('../tools/public.js'),
    'verlet/envs': () => import('../envs/public.js'),
    'verlet/rollout': () => import('../rollout/public.js'),
  },
};
