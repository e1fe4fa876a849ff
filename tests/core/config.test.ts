import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { applyOverrides, loadYaml, lookUp, parseConfig } from '../../core/config.js';
import { ConfigError } from '../../core/errors.js';

const schema = z.strictObject({
  seed: z.int().min(0).default(1),
  backend: z.enum(['auto', 'wasm', 'cpu']).default('auto'),
  env: z.discriminatedUnion('name', [
    z.strictObject({ name: z.literal('arithmetic'), maxNumber: z.int().min(1).default(9) }),
    z.strictObject({ name: z.literal('search'), documents: z.array(z.string()).min(1) }),
  ]),
  algorithm: z
    .strictObject({ clipRatioLow: z.number().positive().max(1).default(0.2), useKlLoss: z.boolean().default(false) })
    .prefault({}),
  tools: z
    .array(z.union([z.string(), z.strictObject({ name: z.string(), timeoutMs: z.int().default(1) })]))
    .default([]),
});
const env = { name: 'arithmetic' };

describe('parseConfig', () => {
  const cases: { claim: string; input: object; sentence: string }[] = [
    { claim: 'a bound is told', input: { env, seed: -3 }, sentence: 'run.yaml: seed is -3, must be at least 0' },
    {
      claim: 'an exclusive bound is told',
      input: { env, algorithm: { clipRatioLow: 0 } },
      sentence: 'run.yaml: algorithm.clipRatioLow is 0, must be above 0',
    },
    { claim: 'a wrong type is told', input: { env, seed: 'x' }, sentence: 'run.yaml: seed is "x", must be a number' },
    {
      claim: 'a fraction is told',
      input: { env, seed: 0.5 },
      sentence: 'run.yaml: seed is 0.5, must be a whole number',
    },
    {
      claim: 'allowed values and the nearest are told',
      input: { env, backend: 'wsam' },
      sentence: 'run.yaml: backend is "wsam", must be one of auto, wasm, cpu; did you mean wasm?',
    },
    {
      claim: "verl's spelling is answered with ours",
      input: { env, algorithm: { clip_ratio_low: 0.1 } },
      sentence: 'run.yaml: unknown key algorithm.clip_ratio_low; write algorithm.clipRatioLow',
    },
    {
      claim: 'a key in the wrong section is answered with the right one',
      input: { env, clip_ratio_low: 0.1 },
      sentence: 'run.yaml: unknown key clip_ratio_low; write algorithm.clipRatioLow',
    },
    {
      claim: 'a section of another project is translated leaf by leaf',
      input: { env, actor: { optim: { use_kl_loss: true } } },
      sentence: 'run.yaml: unknown key actor.optim.use_kl_loss; write algorithm.useKlLoss',
    },
    {
      claim: 'a typo in a discriminated union is answered from the chosen alternative',
      input: { env: { name: 'arithmetic', maxNumbr: 3 } },
      sentence: 'run.yaml: unknown key env.maxNumbr; did you mean env.maxNumber?',
    },
    {
      claim: 'the key of another choice is not told to be written as it was',
      input: { env: { name: 'search', documents: ['a'], maxNumber: 3 } },
      sentence: 'run.yaml: unknown key env.maxNumber; known here: name, documents',
    },
    {
      claim: 'an unknown key without a near one lists what is known there',
      input: { env: { name: 'search', documents: ['a'], zzzzzz: 3 } },
      sentence: 'run.yaml: unknown key env.zzzzzz; known here: name, documents',
    },
    {
      claim: 'an unknown environment is called one',
      input: { env: { name: 'aritmetic' } },
      sentence:
        'run.yaml: env.name: unknown environment "aritmetic"; did you mean "arithmetic"? known: arithmetic, search',
    },
    {
      claim: 'a missing section says what to write',
      input: {},
      sentence: 'run.yaml: env is missing; write env.name: one of arithmetic, search',
    },
    {
      claim: 'a typo inside a list is named by position',
      input: { env, tools: ['python', { name: 'python', timeout_ms: 4 }] },
      sentence: 'run.yaml: unknown key tools.1.timeout_ms; write tools.1.timeoutMs',
    },
    {
      claim: 'an alias is followed',
      input: { env, train_seed: 4 },
      sentence: 'run.yaml: unknown key train_seed; write seed',
    },
    {
      claim: 'a dotted key is answered with the nested form',
      input: { env, 'algorithm.useKlLoss': true },
      sentence: 'run.yaml: unknown key algorithm.useKlLoss; write it nested: algorithm: { useKlLoss: … }',
    },
    {
      claim: 'a list that is too short is told',
      input: { env: { name: 'search', documents: [] } },
      sentence: 'run.yaml: env.documents is [], must be a list of at least 1',
    },
    {
      claim: 'a config that is no mapping is told',
      input: [1],
      sentence: 'run.yaml: the config is [1], must be a mapping',
    },
  ];
  test.each(cases)('$claim', ({ input, sentence }) => {
    expect(problemOf(() => parse(input))).toBe(sentence);
  });

  test('all problems are listed, one a line', () => {
    expect(problemOf(() => parse({ env, seed: -1, backend: 'gpu' }))).toBe(
      'run.yaml has 2 problems:\n  seed is -1, must be at least 0\n  backend is "gpu", must be one of auto, wasm, cpu',
    );
  });

  test('a good config comes back with its defaults', () => {
    expect(parse({ env })).toMatchObject({ seed: 1, env: { maxNumber: 9 }, algorithm: { useKlLoss: false } });
  });
});

describe('applyOverrides', () => {
  test('values are read as YAML and set at their paths, the object is left alone', () => {
    const object = { a: { b: 1, c: 2 }, list: [1, 2] };
    const result = applyOverrides(object, ['a.b=0.5', 'x=[1, two]', 'list.1=9', 'a.d=true', 'e=a=b', 'n=null']);
    expect(result).toEqual({ a: { b: 0.5, c: 2, d: true }, list: [1, 9], x: [1, 'two'], e: 'a=b', n: null });
    expect(object).toEqual({ a: { b: 1, c: 2 }, list: [1, 2] });
  });

  test.each(['trainer.saveFreq', '=3', 'a..b=3', '__proto__.polluted=1'])('"%s" is refused', (override) => {
    expect(problemOf(() => applyOverrides({}, [override]))).toMatch(/^cannot read the override ".*"; write key=value/);
  });

  test('a value that is not YAML is refused', () => {
    expect(problemOf(() => applyOverrides({}, ['a=[1']))).toBe(
      'cannot read the value in the override "a=[1"; write YAML, for example a=[1, 2]',
    );
  });

  test('a path below a number is refused', () => {
    expect(problemOf(() => applyOverrides({ a: 3 }, ['a.b=1']))).toBe(
      'the override "a.b=1" goes below 3, which has no keys',
    );
  });
});

describe('loadYaml', () => {
  let directory = '';
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'verlet-config-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  test('a missing file is named', async () => {
    const path = join(directory, 'nowhere.yaml');
    await expect(loadYaml(path)).rejects.toThrow(new ConfigError(`no file ${path}`));
  });

  test('a directory is refused', async () => {
    await expect(loadYaml(directory)).rejects.toThrow('is a directory; name the YAML file in it');
  });

  test('bad YAML is told by line and column', async () => {
    const path = join(directory, 'bad.yaml');
    await writeFile(path, 'a: 1\nb: [1, 2\nc: 3\n');
    await expect(loadYaml(path)).rejects.toThrow(/bad\.yaml:\d+:\d+: not valid YAML: /);
    await expect(loadYaml(path)).rejects.toThrow(ConfigError);
  });

  test('an empty file is an empty mapping', async () => {
    const path = join(directory, 'empty.yaml');
    await writeFile(path, '# nothing\n');
    expect(await loadYaml(path)).toEqual({});
  });
});

describe('lookUp', () => {
  test('a known name is found', () => {
    expect(lookUp('tool', 'python', new Map([['python', 7]]))).toBe(7);
  });

  test('an unknown name is answered with the nearest and all', () => {
    const table = new Map([['arithmetic', 1]]);
    expect(problemOf(() => lookUp('environment', 'aritmetic', table))).toBe(
      'unknown environment "aritmetic"; did you mean "arithmetic"? known: arithmetic',
    );
  });
});

function parse(input: unknown): z.output<typeof schema> {
  const kinds = { 'env.name': 'environment' };
  return parseConfig(schema, input, { source: 'run.yaml', kinds, aliases: { train_seed: 'seed' } });
}

function problemOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('no ConfigError was thrown');
}
