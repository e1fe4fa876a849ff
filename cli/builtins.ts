import type { EnvDefinition } from '../envs/environment.js';
import type { Tool } from '../tools/tool.js';

/** What the program brings along: environments, tools, each room's section of the config, packages for user modules. */
export interface Builtins {
  readonly envs: readonly EnvDefinition[];
  readonly tools: readonly Tool[];
  /** Imports that user modules share with the running program, by the name they are imported under. */
  readonly packages: { readonly [name: string]: () => Promise<object> };
}

export const builtins: Builtins = {
  envs: [],
  tools: [],
  packages: { zod: () => import('zod') },
};
