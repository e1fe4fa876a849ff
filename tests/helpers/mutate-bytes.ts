import { Rng, rngKey } from '../../core/rng.js';

type Mutation = (bytes: Buffer, rng: Rng) => Buffer;

/** Damaged copies of a file, equal for equal seeds: flipped bits, cuts, wrong lengths and numbers, moved and repeated stretches. */
export function* mutations(original: Buffer, seed: number, count: number): Iterable<Buffer> {
  for (let index = 0; index < count; index++) {
    const rng = new Rng(rngKey(seed, 'mutation', index));
    let bytes: Buffer = Buffer.from(original);
    const rounds = 1 + rng.int(3);
    for (let round = 0; round < rounds; round++) bytes = pick(allMutations, rng)(bytes, rng);
    yield bytes;
  }
}

/** Files keep their meaning in their first bytes, so half of all places lie there. */
function place(bytes: Buffer, rng: Rng): number {
  const reach = rng.int(2) === 0 ? Math.min(bytes.length, 512) : bytes.length;
  return rng.int(Math.max(1, reach));
}

function flipBits(bytes: Buffer, rng: Rng): Buffer {
  const flips = 1 + rng.int(8);
  for (let flip = 0; flip < flips; flip++) {
    const at = place(bytes, rng);
    if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << rng.int(8));
  }
  return bytes;
}

function cutOff(bytes: Buffer, rng: Rng): Buffer {
  return bytes.subarray(0, place(bytes, rng));
}

const awkwardNumbers = [
  0n,
  1n,
  7n,
  8n,
  255n,
  2n ** 16n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
] as const;

/** An awkward number of 4 or 8 bytes, mostly where lengths and counts stand: at the start, at multiples of 4. */
function overwriteNumber(bytes: Buffer, rng: Rng): Buffer {
  const size = 4 + 4 * rng.int(2);
  const at = rng.int(2) === 0 ? 4 * rng.int(8) : place(bytes, rng);
  if (at + size > bytes.length) return bytes;
  const number = pick(awkwardNumbers, rng);
  if (size === 4) bytes.writeUInt32LE(Number(BigInt.asUintN(32, number)), at);
  else bytes.writeBigUInt64LE(number, at);
  return bytes;
}

/** A small change of a length: one more, one less, a few more. */
function nudgeNumber(bytes: Buffer, rng: Rng): Buffer {
  const at = 4 * rng.int(8);
  if (at + 4 > bytes.length) return bytes;
  bytes.writeUInt32LE((bytes.readUInt32LE(at) + rng.int(33) - 16) >>> 0, at);
  return bytes;
}

const awkwardTexts = [
  '-1',
  '0',
  '1e999',
  '0.5',
  '9007199254740993',
  '18446744073709551615',
  'null',
  'true',
  '""',
  '[]',
  '{}',
  '[[[[[[[[',
  '"__proto__":',
  '"constructor":',
  '\u0000',
  '"\\ud800"',
] as const;

/** Replaces one number in the text of the first bytes, or one character of its punctuation, by something that does not belong there. */
function editText(bytes: Buffer, rng: Rng): Buffer {
  const reach = Math.min(bytes.length, 65_536);
  const places = [...bytes.toString('latin1', 0, reach).matchAll(/\d+|[{}[\]":,]/g)];
  if (places.length === 0) return bytes;
  const found = pick(places, rng);
  const rest = bytes.subarray(found.index + found[0].length);
  return Buffer.concat([bytes.subarray(0, found.index), Buffer.from(pick(awkwardTexts, rng)), rest]);
}

/** A stretch of the file put over or between what stands elsewhere in it. */
function splice(bytes: Buffer, rng: Rng): Buffer {
  const from = place(bytes, rng);
  const stretch = Buffer.from(bytes.subarray(from, from + 1 + rng.int(64)));
  const at = place(bytes, rng);
  const replaced = rng.int(2) === 0 ? stretch.length : 0;
  return Buffer.concat([bytes.subarray(0, at), stretch, bytes.subarray(at + replaced)]);
}

function remove(bytes: Buffer, rng: Rng): Buffer {
  const at = place(bytes, rng);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + rng.int(32))]);
}

function append(bytes: Buffer, rng: Rng): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(1 + rng.int(64), rng.int(256))]);
}

const allMutations: readonly Mutation[] = [
  flipBits,
  cutOff,
  overwriteNumber,
  nudgeNumber,
  editText,
  splice,
  remove,
  append,
];

function pick<T>(choices: readonly T[], rng: Rng): T {
  const choice = choices[rng.int(choices.length)];
  if (choice === undefined) throw new Error('nothing to choose from');
  return choice;
}
