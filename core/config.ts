import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { describeProblems, type ParseOptions } from './config-problems.js';
import { ConfigError } from './errors.js';
import { unknownName } from './spelling.js';

/** The parsed input; throws ConfigError with one sentence for each problem and the nearest valid spelling. */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  options: ParseOptions,
): z.output<Schema> {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  const problems = describeProblems(schema, input, result.error.issues, options);
  throw new ConfigError(
    problems.length === 1
      ? `${options.source}: ${problems[0]}`
      : `${options.source} has ${problems.length} problems:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  );
}

/** The YAML file as data (an empty file is an empty mapping); throws ConfigError naming file, line and column. */
export async function loadYaml(path: string): Promise<unknown> {
  const text = await readText(path);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    const [sentence = error.code] = error.message.split(/ at line \d+/);
    throw new ConfigError(`${path}:${line}:${col}: not valid YAML: ${sentence}`);
  }
  return document.toJS() ?? {};
}

/** The object with each `a.b=value` set, values read as YAML; the object itself is left as it is. */
export function applyOverrides(object: unknown, overrides: readonly string[]): unknown {
  let result: unknown = structuredClone(object ?? {});
  for (const override of overrides) {
    const { path, value } = parseOverride(override);
    result = setAt(result, path, { value, override });
  }
  return result;
}

/** The table's entry of that name; throws ConfigError with the nearest name and all known ones. */
export function lookUp<Value>(kind: string, name: string, table: ReadonlyMap<string, Value>): Value {
  const value = table.get(name);
  if (value !== undefined) return value;
  throw new ConfigError(unknownName(kind, name, [...table.keys()]));
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') throw new ConfigError(`no file ${path}`, { cause });
    if (code === 'EISDIR') throw new ConfigError(`${path} is a directory; name the YAML file in it`, { cause });
    throw new ConfigError(`cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function parseOverride(override: string): { path: string[]; value: unknown } {
  const equals = override.indexOf('=');
  const key = override.slice(0, Math.max(equals, 0)).trim();
  const path = key.split('.');
  if (equals < 0 || path.some((part) => part === '' || part === '__proto__')) {
    throw new ConfigError(`cannot read the override "${override}"; write key=value, for example trainer.saveFreq=10`);
  }
  const document = parseDocument(override.slice(equals + 1));
  if (document.errors.length > 0) {
    throw new ConfigError(`cannot read the value in the override "${override}"; write YAML, for example ${key}=[1, 2]`);
  }
  return { path, value: document.toJS() };
}

function setAt(target: unknown, path: readonly string[], what: { value: unknown; override: string }): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return what.value;
  if (Array.isArray(target)) {
    if (!/^\d+$/.test(key) || Number(key) > target.length) {
      throw new ConfigError(`the override "${what.override}" names "${key}" in a list of ${target.length}`);
    }
    return Object.assign([...target], { [key]: setAt(target[Number(key)], rest, what) });
  }
  if (target === undefined || target === null) return { [key]: setAt(undefined, rest, what) };
  if (typeof target !== 'object') {
    throw new ConfigError(`the override "${what.override}" goes below ${JSON.stringify(target)}, which has no keys`);
  }
  const current: unknown = Object.hasOwn(target, key) ? Reflect.get(target, key) : undefined;
  return { ...target, [key]: setAt(current, rest, what) };
}
