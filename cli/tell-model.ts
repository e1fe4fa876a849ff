import type { TensorEntry } from '../core/model/model-files.js';
import { type ModelInfo, modelInfo } from '../core/model/model-info.js';
import type { RotaryConfig } from '../core/model/rotary-frequencies.js';
import { tensorBytes } from '../core/model/tensor-bytes.js';
import type { Io } from './command-context.js';
import { openNamedModel } from './open-named-model.js';
import { formatBytes, formatNumber, printable } from './text.js';

interface Request {
  readonly model: string;
  readonly tensors: boolean;
  readonly json: boolean;
}

/** Writes to stdout what a model is: as a table, or as one JSON object. */
export async function tellModel({ model, tensors, json }: Request, io: Io, signal: AbortSignal): Promise<void> {
  await using files = await openNamedModel({ model }, io, signal);
  const info = modelInfo(files);
  const listed = tensors ? [...files.tensors].map(([name, entry]) => ({ name, ...entry })) : [];
  if (json) io.stdout.write(`${JSON.stringify(tensors ? { ...info, tensors: listed } : info)}\n`);
  else io.stdout.write(table([...rows(info), ...listed.map(tensorRow)]));
}

type Row = readonly [label: string, value: string];

function rows(info: ModelInfo): Row[] {
  const windows = info.window === 0 ? '' : `, in some layers the last ${formatNumber(info.window)}`;
  return [
    ['model', info.source],
    ['architecture', info.architecture],
    ['parameters', `${info.parameters.toLocaleString('en-US')} (${formatBytes(info.float32Bytes)} in float32)`],
    ['layers', `${info.layers} of width ${info.hiddenSize}, feed-forward ${info.intermediateSize}`],
    ['heads', `${info.attentionHeads} of ${info.headDim}, ${info.keyValueHeads} for keys and values`],
    ['context', `${formatNumber(info.context)} tokens${windows}`],
    ['rope', info.rope.map(ropeText).join('; in layers with a window ')],
    [
      'vocabulary',
      `${formatNumber(info.vocabulary)} tokens, head ${info.isHeadTied ? 'tied to the embedding' : 'of its own'}`,
    ],
    ...Object.entries(info.dtypes).map(
      ([dtype, { tensors, bytes }]): Row => [
        dtype,
        `${formatNumber(tensors)} ${tensors === 1 ? 'tensor' : 'tensors'}, ${formatBytes(bytes)}`,
      ],
    ),
    ...textRows(info),
  ];
}

function ropeText({ theta, scaling }: RotaryConfig): string {
  const base = `base ${formatNumber(theta)}`;
  if (scaling === undefined) return base;
  return 'factor' in scaling ? `${base}, ${scaling.type} ${formatNumber(scaling.factor)}` : `${base}, ${scaling.type}`;
}

function textRows({ tokenizer, chatTemplate }: ModelInfo): Row[] {
  if (tokenizer === null) return [['tokenizer', 'none']];
  const named = Object.entries(tokenizer.named);
  return [
    ['tokenizer', `${tokenizer.kind}, ${formatNumber(tokenizer.vocabulary)} tokens`],
    ...named.map(([role, { name, id }]): Row => [role.replaceAll('_', ' '), `${name}${id === null ? '' : ` (${id})`}`]),
    ['chat template', chatTemplate === null ? 'none' : chatTemplate.writesTools ? 'with tools' : 'without tools'],
  ];
}

function tensorRow({ name, ...entry }: TensorEntry & { readonly name: string }): Row {
  return [name, `${entry.dtype} [${entry.shape.join(', ')}] ${formatBytes(tensorBytes(entry))}`];
}

/** Names come from files that others wrote. */
function table(given: readonly Row[]): string {
  const width = Math.max(...given.map(([label]) => label.length));
  return given.map(([label, value]) => `${printable(`${label.padEnd(width)}  ${value}`)}\n`).join('');
}
