import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Bench, BenchOptions } from './bench.js';
import { type FmaPeak, measureFmaPeak } from './fma-peak.js';
import { type GemmOp, gemmOps } from './gemm-ops.js';
import { machine } from './machine.js';
import { ourSide } from './our-side.js';
import type { Row } from './row.js';
import type { Side } from './side.js';
import { torchSide } from './torch-python.js';

/** M, N, K: [M, K] times [K, N]. */
type Shape = readonly [m: number, n: number, k: number];

const shapes: readonly Shape[] = [
  [1024, 1024, 1024],
  [2048, 576, 1536],
  [2048, 1536, 576],
];
const products = gemmOps.flatMap((op) => shapes.map((shape) => ({ op, shape, name: nameOf(op, shape) })));
type Product = (typeof products)[number];

/** Lets the threads of the side that was just asked fall asleep. */
const turnMs = 100;

const answer = z.object({ seconds: z.number().positive() });
const opened = z.object({ backend: z.string() });
const openedTorch = z.object({ versions: z.record(z.string(), z.string()) });

/** Matrix products against the processor's limit and against PyTorch. */
export const gemm: Bench = {
  name: 'gemm',
  description:
    "float32 products MxNxK: `tf.matMul` of [M, K] and [K, N], `Linear` of x [M, K] and weight [N, K]. `fma-peak` is the processor's limit, " +
    'measured in the same run by a program that does nothing but fused multiply-adds in registers; the ratio is the share of it. ' +
    'PyTorch runs `torch.mm` into memory that it keeps. Sides take turns; each figure is the best round.',
  cases: products.map(({ name }) => name),
  peers: ['fma-peak', 'torch'],
  columns: { gflops: 'GFLOP/s', peerGflops: "peer's GFLOP/s", backend: 'backend', threads: 'threads' },
  run,
};

async function* run(options: BenchOptions, signal: AbortSignal): AsyncIterable<Row> {
  const { threads, rounds = 5, seconds = 1 } = options;
  const peak = options.peers.includes('fma-peak')
    ? await measureFmaPeak({ threads, rounds, seconds }, signal)
    : undefined;
  if (peak !== undefined) options.progress(`gemm: peak with ${peak.isa}: ${peak.gflops.join(', ')} GFLOP/s`);
  await using ours = ourSide('gemm-side.js');
  const { backend } = await ours.ask({ do: 'open', threads }, opened, signal);
  await using theirs = options.peers.includes('torch') ? await torchSide('gemm.py', options, signal) : undefined;
  const torch = await theirs?.ask({ do: 'open', threads }, openedTorch, signal);
  for (const product of products.filter(({ name }) => options.cases.includes(name))) {
    options.progress(`gemm: ${product.name}`);
    const best = await takeTurns(
      product,
      [ours, ...(theirs === undefined ? [] : [theirs])],
      { rounds, seconds },
      signal,
    );
    const shared = { backend, threads, rounds, seconds };
    yield* rowsOf(product, best, { peak, torch: torch?.versions, shared });
  }
}

/** Seconds of one product in the best round of each side. */
async function takeTurns(
  { op, shape }: Product,
  sides: readonly Side[],
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  signal: AbortSignal,
): Promise<readonly number[]> {
  const best = sides.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const measured = await side.ask({ do: 'measure', op, shape, seconds }, answer, signal);
      best[i] = Math.min(best[i] ?? Number.POSITIVE_INFINITY, measured.seconds);
      await sleep(turnMs, undefined, { signal });
    }
  }
  return best;
}

interface Found {
  readonly peak: FmaPeak | undefined;
  readonly torch: { readonly [name: string]: string } | undefined;
  readonly shared: {
    readonly backend: string;
    readonly threads: number;
    readonly rounds: number;
    readonly seconds: number;
  };
}

function* rowsOf({ name, op, shape }: Product, [ours = 0, theirs]: readonly number[], found: Found): Iterable<Row> {
  const operations = 2 * shape.reduce((a, b) => a * b, 1);
  const gflops = operations / ours / 1e9;
  const row = (peer: string, peerGflops: number, versions: { readonly [name: string]: string }): Row => ({
    bench: 'gemm',
    case: name,
    peer,
    ratio: gflops / peerGflops,
    op,
    gflops,
    peerGflops,
    ...found.shared,
    cpu: machine().cpu,
    isa: machine().isa,
    versions: { node: process.versions.node, ...versions },
  });
  if (found.peak !== undefined) yield row('fma-peak', Math.max(...found.peak.gflops), {});
  if (theirs !== undefined) yield row('torch', operations / theirs / 1e9, found.torch ?? {});
}

function nameOf(op: GemmOp, shape: Shape): string {
  return op === 'matMul' ? shape.join('x') : `${op} ${shape.join('x')}`;
}
