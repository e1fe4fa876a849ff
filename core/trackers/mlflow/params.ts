import type { Json } from '../../types.js';

const maxKeyLength = 250;
const maxValueLength = 500;

/** The config as MLflow's parameters: one a leaf, by its dotted key; lists stay whole, long values are cut. */
export function toParams(config: Json): { readonly key: string; readonly value: string }[] {
  return leaves(config, '').map(([key, value]) => ({ key: mlflowName(key), value: valueText(value) }));
}

/**
 * A metric's or parameter's name in the letters that MLflow takes: `@` becomes `_at_` as with verl, others `_`;
 * a part of the path that a file system would read in another way is left out.
 */
export function mlflowName(name: string): string {
  const letters = name.replaceAll('@', '_at_').replaceAll(/[^\w.\- /]/g, '_');
  const parts = letters.split('/').filter((part) => !/^\.{0,2}$/.test(part));
  return parts.join('/').slice(0, maxKeyLength) || '_';
}

function leaves(value: Json, path: string): [key: string, value: Json][] {
  if (!isMapping(value)) return path === '' ? [] : [[path, value]];
  return Object.entries(value).flatMap(([key, below]) => leaves(below, path === '' ? key : `${path}.${key}`));
}

function isMapping(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An empty text keeps its quotes: MLflow refuses a parameter without a value. */
function valueText(value: Json): string {
  const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
  return text.length > maxValueLength ? `${text.slice(0, maxValueLength - 1)}…` : text;
}
