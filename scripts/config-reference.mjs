import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';

// Prints docs/configuration.md from the built schema: node scripts/config-reference.mjs > docs/configuration.md

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist/cli');
const { builtins } = await load('builtins.js');
const { runConfigSchema } = await load('run-config.js');
const { sftConfig } = await load('sft-config.js');
const { verlNames } = await load('verl-names.js');

const runRows = keysOf(runConfigSchema(builtins));
const known = new Set(runRows.map((row) => JSON.stringify(row)));
const sftRows = keysOf(sftConfig).filter((row) => !known.has(JSON.stringify(row)));
process.stdout.write(`# Configuration

Every key of a run's YAML file and of \`key=value\` on the command line, with dotted keys. An unknown key is an error that
names the nearest known one. This page is printed by \`scripts/config-reference.mjs\`.

${table(['key', 'values', 'default', 'meaning'], runRows)}

## Supervised fine-tuning

What a config of \`verlet sft\` has besides \`name\`, \`seed\`, \`backend\`, \`matmulPrecision\`, \`threads\`, \`tokenizer\`, \`model\`,
\`optimizer\`, \`engine\` and the keys of \`trainer\` for trackers, which are the same, or has otherwise.

${table(['key', 'values', 'default', 'meaning'], sftRows)}

## verl's names

Keys of verl whose name here is not the same word in camelCase; writing them is answered with ours.

${table(
  ['verl', 'verlet'],
  Object.entries(verlNames).map(([theirs, ours]) => [code(theirs), ours.includes(' ') ? ours : code(ours)]),
)}
`);

function keysOf(schema) {
  return rowsOf('', Object.entries(z.toJSONSchema(schema, { io: 'input' }).properties));
}

function load(name) {
  return import(pathToFileURL(join(dist, name)).href);
}

/** One row a key, a section before what is in it; `given` is what the section's own default says of its keys. */
function rowsOf(prefix, fields, given = {}) {
  return fields.flatMap(([key, field]) => {
    const choices = field.oneOf ?? field.anyOf?.find((choice) => choice.oneOf)?.oneOf ?? [];
    const below = field.properties ? Object.entries(field.properties) : settingsOf(choices);
    const isSection = below.length > 0;
    const value = isSection && field.default !== null ? undefined : (given[key] ?? field.default);
    return [
      [
        code(`${prefix}${key}`),
        valuesOf(field),
        value === undefined ? '' : code(JSON.stringify(value)),
        field.description ?? '',
      ],
      ...rowsOf(`${prefix}${key}.`, below, field.default ?? {}),
    ];
  });
}

/** What the alternatives can be set to: their names first, then each key, once for each meaning it has, with the names it belongs to. */
function settingsOf(alternatives) {
  if (alternatives.length === 0) return [];
  const names = alternatives.map(({ properties }) => properties.name.const);
  const variants = new Map();
  for (const [i, { properties }] of alternatives.entries()) {
    for (const [key, field] of Object.entries(properties)) {
      if (key === 'name') continue;
      const variant = JSON.stringify([key, field]);
      variants.set(variant, [...(variants.get(variant) ?? []), names[i]]);
    }
  }
  const settings = [...variants].map(([variant, owners]) => {
    const [key, field] = JSON.parse(variant);
    const whose = owners.length === names.length ? '' : ` (${owners.map(code).join(', ')})`;
    return [key, { ...field, description: `${field.description ?? ''}${whose}` }];
  });
  const order = [...new Set(settings.map(([key]) => key))];
  settings.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  return [['name', { enum: names, description: 'which one; the other keys here are its settings' }], ...settings];
}

function valuesOf(field) {
  if (field.enum) return field.enum.map(code).join(', ');
  if (field.type === 'array') return `list${field.items?.enum ? ` of ${valuesOf(field.items)}` : ''}`;
  if (field.type === 'integer' || field.type === 'number') return rangeOf(field);
  return { string: 'text', boolean: '`true`, `false`' }[field.type] ?? '';
}

function rangeOf({ type, minimum, maximum, exclusiveMinimum }) {
  const low = exclusiveMinimum === undefined ? minimum : `> ${exclusiveMinimum}`;
  const high = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const kind = type === 'integer' ? 'integer' : 'number';
  if (low === undefined && high === undefined) return kind;
  if (high === undefined) return `${kind} ${exclusiveMinimum === undefined ? '≥ ' : ''}${low}`;
  return low === undefined ? `${kind} ≤ ${high}` : `${kind} ${low} … ${high}`;
}

function code(text) {
  return `\`${text}\``;
}

function table(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}
