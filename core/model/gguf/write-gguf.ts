import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { assert, ConfigError } from '../../errors.js';
import { ggufTextMetadata } from '../../text/gguf-text-metadata.js';
import type { ModelFiles } from '../model-files.js';
import { encodeFloats, type WrittenDtype } from '../safetensors/float-formats.js';
import { aligned, encodeHeader, type TensorToDescribe } from './encode-header.js';
import { type DescribedModel, describeModel } from './gguf-from-config.js';
import type { GgufPair } from './metadata.js';
import { ggufName } from './names.js';
import { ROPE_FACTORS_TENSOR, ropeFactors } from './rope-factors.js';
import { toGgufValues } from './transforms.js';

/** How llama.cpp numbers files by the format of most of their tensors. */
const FILE_TYPES: { readonly [dtype in WrittenDtype]: number } = { F32: 0, F16: 1, BF16: 32 };
const WIDTHS: { readonly [dtype in WrittenDtype]: number } = { F32: 4, F16: 2, BF16: 2 };
const SCRATCH_BYTES = 4 * 2 ** 20;

/**
 * Writes a model as a GGUF file that llama.cpp loads, holding one tensor at a time: matrices in the dtype, rounded to nearest, vectors in
 * float32. The file appears under its name when it is whole. Throws ConfigError for what GGUF or llama.cpp cannot say of a model, and when
 * a weight is too large for the dtype.
 */
export async function writeGguf(
  files: ModelFiles,
  path: string,
  { dtype }: { readonly dtype: WrittenDtype },
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const model = describeModel(files.config, files.source);
  const tensors = place(tensorsOf(files, model, { dtype, signal }));
  const header = encodeHeader([...model.pairs, ...generalPairs(path, dtype), ...textPairs(files)], tensors);
  const temporary = `${path}.${process.pid}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(temporary, { header, tensors, source: files.source }, signal);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

interface TensorToWrite extends Omit<TensorToDescribe, 'offset'> {
  /** Asked for when it is this tensor's turn, and let go of before the next one's. */
  readonly values: () => Promise<Float32Array>;
}

type PlacedTensor = TensorToWrite & TensorToDescribe;

function tensorsOf(
  files: ModelFiles,
  model: DescribedModel,
  { dtype, signal }: { readonly dtype: WrittenDtype; readonly signal: AbortSignal },
): TensorToWrite[] {
  const written = [...files.tensors].filter(([name]) => !isLeftOut(name, files.config));
  const tensors = written.map(([name, { shape }]): TensorToWrite => {
    const gguf = ggufName(model.architecture, name);
    if (gguf === undefined)
      throw new ConfigError(
        `${files.source} has a tensor ${name}, which GGUF has no name for in ${model.architecture} models; merge or remove it first`,
      );
    const values = async () => {
      const read = await files.read(name, signal);
      // Matrices are never changed in place; a vector may be, and its owner may still need it.
      return toGgufValues(model, { name, shape, values: shape.length === 1 ? read.slice() : read });
    };
    return { name: gguf, shape, dtype: shape.length === 1 ? 'F32' : dtype, values };
  });
  checkWhole(new Set(tensors.map(({ name }) => name)), model, files.source);
  const factors = ropeFactors(files.config, model.headDim, files.source);
  if (factors === undefined) return tensors;
  return [
    { name: ROPE_FACTORS_TENSOR, shape: [factors.length], dtype: 'F32', values: async () => factors },
    ...tensors,
  ];
}

/** A head that is the embedding over again, and the frequencies that old checkpoints keep. */
function isLeftOut(name: string, config: ModelFiles['config']): boolean {
  const isTied = config.tie_word_embeddings ?? String(config.model_type).startsWith('gemma');
  return (isTied === true && name === 'lm_head.weight') || name.endsWith('.rotary_emb.inv_freq');
}

function checkWhole(names: ReadonlySet<string>, { architecture, pairs }: DescribedModel, source: string): void {
  const layers = pairs.find(({ key }) => key === `${architecture}.block_count`)?.value;
  const last = `blk.${Number(layers) - 1}.attn_q.weight`;
  const missing = ['token_embd.weight', 'output_norm.weight', last].find((name) => !names.has(name));
  if (missing !== undefined)
    throw new ConfigError(`${source} has nothing that could become ${missing}; its weights are not whole`);
}

function place(tensors: readonly TensorToWrite[]): readonly PlacedTensor[] {
  let end = 0;
  return tensors.map((tensor) => {
    const offset = end;
    end = aligned(offset + sizeOf(tensor));
    return { ...tensor, offset };
  });
}

function sizeOf({ shape, dtype }: Omit<TensorToWrite, 'values'>): number {
  return shape.reduce((product, axis) => product * axis, WIDTHS[dtype]);
}

function generalPairs(path: string, dtype: WrittenDtype): readonly GgufPair[] {
  return [
    { key: 'general.type', type: 'string', value: 'model' },
    { key: 'general.name', type: 'string', value: basename(path).replace(/\.gguf$/, '') },
    { key: 'general.file_type', type: 'uint32', value: FILE_TYPES[dtype] },
  ];
}

function textPairs({ text, config, tensors, source }: ModelFiles): readonly GgufPair[] {
  const [vocabSize = 0] = tensors.get('model.embed_tokens.weight')?.shape ?? [];
  if (text !== undefined) return ggufTextMetadata(text, vocabSize, source);
  const named = [
    ['bos', config.bos_token_id],
    ['eos', config.eos_token_id],
    ['padding', config.pad_token_id],
  ] as const;
  const ids = named.flatMap(([role, given]): GgufPair[] => {
    const value: unknown = Array.isArray(given) ? given[0] : given;
    const isId = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < vocabSize;
    return isId ? [{ key: `tokenizer.ggml.${role}_token_id`, type: 'uint32', value }] : [];
  });
  return [{ key: 'tokenizer.ggml.model', type: 'string', value: 'none' }, ...ids];
}

interface FileToWrite {
  readonly header: Buffer;
  readonly tensors: readonly PlacedTensor[];
  readonly source: string;
}

async function writeFile(path: string, { header, tensors, source }: FileToWrite, signal: AbortSignal): Promise<void> {
  await using handle = await open(path, 'w');
  await handle.writeFile(header);
  const scratch = new Uint8Array(SCRATCH_BYTES);
  for (const tensor of tensors) await writeTensor(handle, { tensor, scratch, source }, signal);
  await handle.sync();
}

async function writeTensor(
  handle: FileHandle,
  { tensor, scratch, source }: { tensor: PlacedTensor; scratch: Uint8Array; source: string },
  signal: AbortSignal,
): Promise<void> {
  const { name, dtype } = tensor;
  const values = await tensor.values();
  const size = sizeOf(tensor);
  assert(values.length * WIDTHS[dtype] === size, `${name} has ${values.length} values, its shape is [${tensor.shape}]`);
  const step = SCRATCH_BYTES / WIDTHS[dtype];
  for (let at = 0; at < values.length; at += step) {
    signal.throwIfAborted();
    const chunk = values.subarray(at, at + step);
    const tooLarge = encodeFloats(dtype, chunk, scratch);
    if (tooLarge !== -1)
      throw new ConfigError(
        `${name} of ${source} holds ${chunk[tooLarge]}, which is too large for ${dtype}: write ${dtype === 'F16' ? 'BF16 or F32' : 'F32'} instead`,
      );
    await handle.writeFile(scratch.subarray(0, chunk.length * WIDTHS[dtype]));
  }
  await handle.writeFile(new Uint8Array(aligned(size) - size));
}
