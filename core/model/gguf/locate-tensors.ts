import { ConfigError } from '../../errors.js';
import type { BlockFormat } from './blocks/block-format.js';
import { blockFormats, formatName } from './blocks/formats.js';
import type { GgufHeader, TensorInfo } from './parse-header.js';

/** A tensor of a GGUF file: where its values are and how they are packed. */
export interface GgufTensor {
  /** Row-major: matrices are [Out, In]. */
  readonly shape: readonly number[];
  readonly format: BlockFormat;
  /** From the start of the file. */
  readonly offset: number;
  readonly sizeBytes: number;
}

/** The file whose tensors are located. */
export interface LocatedFile {
  readonly source: string;
  readonly sizeBytes: number;
}

const DEFAULT_ALIGNMENT = 32;

/** Every tensor by its name. Throws ConfigError when one cannot be read, does not lie inside the file or overlaps another. */
export function locateTensors(header: GgufHeader, file: LocatedFile): ReadonlyMap<string, GgufTensor> {
  const alignment = alignmentOf(header, file.source);
  const start = Math.ceil(header.sizeBytes / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const info of header.tensors) tensors.set(info.name, locate(info, { ...file, alignment, start }));
  checkOverlap(tensors, file.source);
  return tensors;
}

function alignmentOf({ metadata }: GgufHeader, source: string): number {
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  if (typeof alignment === 'number' && Number.isInteger(Math.log2(alignment)) && alignment >= 1 && alignment <= 2 ** 20)
    return alignment;
  throw new ConfigError(
    `${source} is not a usable GGUF file: general.alignment is ${String(alignment).slice(0, 20)}, not a power of two`,
  );
}

interface Region extends LocatedFile {
  readonly alignment: number;
  /** Where the values begin. */
  readonly start: number;
}

function locate({ name, dimensions, type, offset }: TensorInfo, region: Region): GgufTensor {
  const corrupt = (why: string) => new ConfigError(`${region.source} is not a usable GGUF file: tensor ${name} ${why}`);
  const format = blockFormats.get(type);
  if (format === undefined) {
    const known = [...blockFormats.values()].map((each) => each.name).join(', ');
    throw new ConfigError(
      `tensor ${name} of ${region.source} has the type ${formatName(type)}, which cannot be read; take a file whose types are among ${known}`,
    );
  }
  const [rowLength = 0n] = dimensions;
  if (dimensions.some((dimension) => dimension < 1n)) throw corrupt(`has the dimensions ${dimensions.join(' x ')}`);
  if (rowLength % BigInt(format.valuesPerBlock) !== 0n)
    throw corrupt(`has rows of ${rowLength} values, no whole number of blocks of ${format.valuesPerBlock}`);
  const values = dimensions.reduce((product, dimension) => product * dimension, 1n);
  const sizeBytes = (values / BigInt(format.valuesPerBlock)) * BigInt(format.bytesPerBlock);
  if (offset % BigInt(region.alignment) !== 0n)
    throw corrupt(`begins at ${offset}, no multiple of ${region.alignment}`);
  const end = BigInt(region.start) + offset + sizeBytes;
  if (end > BigInt(region.sizeBytes))
    throw corrupt(`should end at byte ${end} but the file has ${region.sizeBytes}; it may be downloaded in part`);
  return {
    shape: dimensions.map(Number).reverse(),
    format,
    offset: region.start + Number(offset),
    sizeBytes: Number(sizeBytes),
  };
}

/** Shared bytes would let a small file describe a model of any size. */
function checkOverlap(tensors: ReadonlyMap<string, GgufTensor>, source: string): void {
  const byOffset = [...tensors].sort(([, a], [, b]) => a.offset - b.offset);
  let end = 0;
  for (const [name, { offset, sizeBytes }] of byOffset) {
    if (offset < end) throw new ConfigError(`${source} is not a usable GGUF file: tensor ${name} overlaps another`);
    end = offset + sizeBytes;
  }
}
