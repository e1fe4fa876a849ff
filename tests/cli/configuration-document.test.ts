import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { builtins } from '../../cli/builtins.js';
import { runConfigSchema } from '../../cli/run-config.js';
import { verlNames } from '../../cli/verl-names.js';
import { dottedKeys } from '../../core/config-schema.js';
import { build } from '../helpers/program.js';

const schema = runConfigSchema(builtins);
const keys = dottedKeys(schema);

test('every name of verl leads to a key that exists, or to an option of the command line', () => {
  const targets = Object.values(verlNames).filter((target) => !target.startsWith('the option --'));
  expect(targets.filter((target) => !keys.includes(target))).toEqual([]);
});

test('every key but the names of choices says what it means', () => {
  const described = new Set(describedKeys(z.toJSONSchema(schema, { io: 'input' })));
  expect(keys.filter((key) => !described.has(key) && !key.endsWith('.name'))).toEqual([]);
});

test('docs/configuration.md is what scripts/config-reference.mjs prints', async () => {
  build();
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/config-reference.mjs']);
  expect(await readFile('docs/configuration.md', 'utf8')).toBe(stdout);
}, 180_000);

const node = z.looseObject({
  description: z.string().optional(),
  get properties() {
    return z.record(z.string(), node).optional();
  },
  get oneOf() {
    return z.array(node).optional();
  },
  /** A choice or nothing. */
  get anyOf() {
    return z.array(node).optional();
  },
});

function describedKeys(field: unknown, prefix = ''): string[] {
  const { properties = {}, oneOf = [], anyOf = [] } = node.parse(field);
  return [
    ...[...oneOf, ...anyOf].flatMap((option) => describedKeys(option, prefix)),
    ...Object.entries(properties).flatMap(([key, below]) => [
      ...(below.description === undefined ? [] : [`${prefix}${key}`]),
      ...describedKeys(below, `${prefix}${key}.`),
    ]),
  ];
}
