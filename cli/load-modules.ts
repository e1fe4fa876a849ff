import { access } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { z } from 'zod';
import { ConfigError } from '../core/errors.js';
import type { EnvDefinition } from '../envs/environment.js';
import type { Tool } from '../tools/tool.js';
import type { Builtins } from './builtins.js';

export interface Registered {
  readonly envs: readonly EnvDefinition[];
  readonly tools: readonly Tool[];
}

/**
 * The built-in environments and tools and those exported by the modules (TypeScript or JavaScript, relative to the
 * config file). What the modules import under a name of `builtins.packages` is the running program's own instance.
 * Throws ConfigError naming the module that is missing, broken, empty or a repetition.
 */
export async function loadModules(
  imports: readonly string[],
  configPath: string,
  builtins: Builtins,
): Promise<Registered> {
  const envs = new Map(builtins.envs.map((env) => [env.name, { value: env, from: 'built in' }]));
  const tools = new Map(builtins.tools.map((tool) => [tool.name, { value: tool, from: 'built in' }]));
  if (imports.length > 0) {
    const load = await loader(configPath, builtins.packages);
    for (const specifier of imports) {
      const values = await load(specifier);
      const found = values.filter((value) => isEnv(value) || isTool(value));
      if (found.length === 0) {
        throw new ConfigError(
          `${specifier} exports no environment and no tool; export what defineEnv or defineTool return`,
        );
      }
      for (const value of found) {
        if (isEnv(value)) register(envs, value, specifier);
        else if (isTool(value)) register(tools, value, specifier);
      }
    }
  }
  return { envs: valuesOf(envs), tools: valuesOf(tools) };
}

/** The module's place as it is written into the run directory: absolute if it was a path, else a package's name. */
export function absoluteImport(specifier: string, configPath: string): string {
  return isPath(specifier) ? resolve(dirname(configPath), specifier) : specifier;
}

async function loader(
  configPath: string,
  packages: Builtins['packages'],
): Promise<(specifier: string) => Promise<unknown[]>> {
  const virtualModules: Record<string, object> = {};
  for (const [name, importPackage] of Object.entries(packages)) virtualModules[name] = await importPackage();
  const jiti = createJiti(join(resolve(dirname(configPath)), 'imports.js'), {
    fsCache: false,
    interopDefault: false,
    virtualModules,
  });
  return async (specifier) => {
    const place = absoluteImport(specifier, configPath);
    if (isPath(specifier)) await mustExist(specifier, place);
    return exportsOf(await importModule(() => jiti.import(place), specifier));
  };
}

async function importModule(load: () => Promise<unknown>, specifier: string): Promise<unknown> {
  try {
    return await load();
  } catch (cause) {
    const sentence = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new ConfigError(`cannot load ${specifier}: ${sentence}`, { cause });
  }
}

async function mustExist(specifier: string, place: string): Promise<void> {
  try {
    await access(place);
  } catch (cause) {
    throw new ConfigError(`no module ${specifier}: ${place} does not exist`, { cause });
  }
}

function exportsOf(module: unknown): unknown[] {
  if (typeof module !== 'object' || module === null) return [];
  return [...new Set(Object.values(module).flat())];
}

function register<Value extends { readonly name: string }>(
  table: Map<string, { value: Value; from: string }>,
  value: Value,
  from: string,
): void {
  const earlier = table.get(value.name);
  if (earlier !== undefined && earlier.value !== value) {
    const place = earlier.from === 'built in' ? 'is built in' : `is also exported by ${earlier.from}`;
    throw new ConfigError(`${from} exports "${value.name}", which ${place}; give one of them another name`);
  }
  table.set(value.name, { value, from });
}

function valuesOf<Value>(table: Map<string, { value: Value }>): Value[] {
  return [...table.values()].map(({ value }) => value);
}

function isEnv(value: unknown): value is EnvDefinition {
  return (
    isOfKind(value, 'env') && value.options instanceof z.ZodType && isFunction(value.task) && isFunction(value.create)
  );
}

function isTool(value: unknown): value is Tool {
  return isOfKind(value, 'tool') && value.input instanceof z.ZodType && isFunction(value.execute);
}

function isOfKind(value: unknown, kind: string): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind && 'name' in value;
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

function isPath(specifier: string): boolean {
  return specifier.startsWith('.') || isAbsolute(specifier);
}
