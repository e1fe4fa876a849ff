import { expect, test } from 'vitest';
import { z } from 'zod';
import { kinds, runConfigSchema } from '../../cli/run-config.js';
import { parseConfig } from '../../core/config.js';
import { echoTool, sumEnv } from '../helpers/cli.js';

const registered = { envs: [sumEnv], tools: [echoTool] };

test('a config that names only its environment is whole, and parsing it again changes nothing', () => {
  const config = parse({ env: { name: 'sum' } });
  expect(config).toMatchObject({ seed: 1, backend: 'auto', env: { name: 'sum', maxNumber: 9 }, imports: [] });
  expect(parse(JSON.parse(JSON.stringify(config)))).toEqual(config);
});

test('an environment’s own rule across its fields is kept', () => {
  const options = z
    .strictObject({ low: z.int().default(0), high: z.int().default(9) })
    .refine(({ low, high }) => low < high, 'low must be below high');
  const schema = runConfigSchema({ ...registered, envs: [{ ...sumEnv, options }] });
  expect(() => parseConfig(schema, { env: { name: 'sum', low: 10 } }, { source: 'run.yaml' })).toThrow(
    'run.yaml: env: low must be below high',
  );
});

test('an environment whose options cannot be named beside its name is refused', () => {
  const named = { ...sumEnv, options: z.strictObject({ name: z.string().default('x') }) };
  expect(() => runConfigSchema({ ...registered, envs: [named] })).toThrow('has an option "name"');
  const text = { ...sumEnv, options: z.string() };
  expect(() => runConfigSchema({ ...registered, envs: [text] })).toThrow('are no zod object; write z.strictObject');
});

test('without any environment the config says where one may come from', () => {
  expect(() => runConfigSchema({ envs: [], tools: [] })).toThrow('name a module with one under "imports"');
});

function parse(input: unknown): object {
  return parseConfig(runConfigSchema(registered), input, { source: 'run.yaml', kinds });
}
