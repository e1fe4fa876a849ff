import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Rng, rngKey } from '../core/rng.js';
import type { Json } from '../core/types.js';
import type { Bench, BenchOptions } from './bench.js';
import { machine } from './machine.js';
import { ourSide } from './our-side.js';
import type { Row } from './row.js';
import type { Side } from './side.js';
import { temporaryFolder } from './temporary-folder.js';
import { torchSide } from './torch-python.js';
import { openAnswer, optimizer, stepAnswer, type TrainCase, trainCases } from './train-cases.js';
import { type Contender, trainFigures, warmUpSteps } from './train-figures.js';

/** Lets the threads of the side that has just stepped fall asleep. */
const turnMs = 200;
/** How far the first losses of equal weights may differ, absolute, and the first gradient norms, relative. */
const tolerance = 1e-3;

const openedTorch = z.object({ versions: z.record(z.string(), z.string()) });

/** A whole optimizer step against PyTorch's. */
export const train: Bench = {
  name: 'train',
  description:
    'One optimizer step of a decoder: forward, backward, gradient clipping, AdamW, float32. Ours is `PolicyTrainer.update`; PyTorch runs ' +
    '`scaled_dot_product_attention`, `rms_norm`, `cross_entropy` and fused `AdamW` on the same weights and tokens, and both must find the same ' +
    'loss. Sides are processes that take turns, step by step; speeds are medians, memory is the peak of the whole process. Peer `torch` is ' +
    'eager PyTorch, `torch.compile` the same program compiled.',
  cases: trainCases.map(({ name }) => name),
  peers: ['torch', 'torch.compile'],
  columns: {
    tokensPerSecond: 'tokens/s',
    peerTokensPerSecond: "peer's tokens/s",
    memoryRatio: 'memory ratio',
    peakMemoryBytes: 'MB',
    peerPeakMemoryBytes: "peer's MB",
    backend: 'backend',
    threads: 'threads',
  },
  run,
};

async function* run(options: BenchOptions, signal: AbortSignal): AsyncIterable<Row> {
  for (const trainCase of trainCases.filter(({ name }) => options.cases.includes(name))) {
    yield* await compare(reduced(trainCase, options), options, signal);
  }
}

/** One row a peer; all sides take turns in one run. */
async function compare(trainCase: TrainCase, options: BenchOptions, signal: AbortSignal): Promise<Row[]> {
  const say = (line: string): void => options.progress(`train: ${trainCase.name}: ${line}`);
  const { config, vocabSize } = trainCase;
  const { threads } = options;
  await using folder = await temporaryFolder();
  const shared = { do: 'open', config, tokens: tokensOf(trainCase), weights: join(folder.path, 'weights') };

  await using verlet = ourSide('train-side.js');
  await using eager = await torchSide('train.py', options, signal);
  await using compiled = await torchSide('train.py', options, signal);
  say('drawing weights');
  const { backend, shapes } = await verlet.ask({ ...shared, vocabSize, threads }, openAnswer, signal);
  const openTorch = { ...shared, shapes, optimizer, threads };
  const ours = contender(verlet);
  say(`warming up ${backend}`);
  await warmUp(ours, signal);

  const peers: Peer[] = [];
  for (const [name, side] of [['torch', eager] as const, ['torch.compile', compiled] as const]) {
    if (!options.peers.includes(name)) continue;
    say(`warming up ${name}`);
    const peer = await openPeer(name, side, openTorch, signal);
    if (peer.error !== undefined) say(`${name} does not run here: ${peer.error}`);
    else peers.push(peer);
  }
  for (const peer of peers) checkAgreement(trainCase.name, ours, peer);
  await takeTurns([ours, ...peers], options.rounds ?? trainCase.rounds, say, signal);
  const { cpu, isa } = machine();
  return peers.map((peer) => ({
    ...trainFigures(trainCase, ours, peer),
    peer: peer.name,
    backend,
    threads,
    cpu,
    isa,
    versions: { node: process.versions.node, ...peer.versions },
  }));
}

interface Peer extends Contender {
  readonly name: 'torch' | 'torch.compile';
  readonly versions: { readonly [program: string]: string };
  readonly error?: undefined;
}

/** PyTorch with the weights, warmed up. That a machine cannot compile is said, and is not the end of the bench. */
async function openPeer(
  name: Peer['name'],
  side: Side,
  openTorch: { readonly [key: string]: Json },
  signal: AbortSignal,
): Promise<Peer | { readonly error: string }> {
  const compile = name === 'torch.compile';
  try {
    const { versions } = await side.ask({ ...openTorch, compile }, openedTorch, signal);
    const peer = { ...contender(side), name, versions };
    await warmUp(peer, signal);
    return peer;
  } catch (error) {
    signal.throwIfAborted();
    if (!compile) throw error;
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

async function takeTurns(
  contenders: readonly Contender[],
  rounds: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`);
    for (const one of contenders) await step(one, signal);
  }
}

function contender(side: Side): Contender {
  return { side, steps: [] };
}

async function warmUp(one: Contender, signal: AbortSignal): Promise<void> {
  for (let i = 0; i < warmUpSteps; i++) await step(one, signal);
}

async function step({ side, steps }: Contender, signal: AbortSignal): Promise<void> {
  steps.push(await side.ask({ do: 'step' }, stepAnswer, signal));
  await sleep(turnMs, undefined, { signal });
}

/** A ratio of speeds means something only between programs that compute the same. */
function checkAgreement(name: string, ours: Contender, peer: Contender): void {
  const [a, b] = [ours.steps[0], peer.steps[0]];
  const lossDifference = Math.abs((a?.loss ?? Number.NaN) - (b?.loss ?? Number.NaN));
  const normDifference = Math.abs((a?.gradNorm ?? Number.NaN) / (b?.gradNorm ?? Number.NaN) - 1);
  if (lossDifference <= tolerance && normDifference <= tolerance) return;
  throw new Error(
    `${name}: ours and PyTorch do not compute the same: first loss ${a?.loss} and ${b?.loss}, gradient norm ${a?.gradNorm} and ${b?.gradNorm}`,
  );
}

/** A smaller case is named as such: its figures are not the case's. */
function reduced(trainCase: TrainCase, { layers, sequences }: BenchOptions): TrainCase {
  if (layers === undefined && sequences === undefined) return trainCase;
  const numHiddenLayers = layers ?? trainCase.config.numHiddenLayers;
  const size = sequences ?? trainCase.sequences;
  const name = `${trainCase.name} cut to ${numHiddenLayers} layers, ${size} sequences`;
  return { ...trainCase, name, sequences: size, config: { ...trainCase.config, numHiddenLayers } };
}

function tokensOf({ sequences, length, vocabSize }: TrainCase): number[][] {
  const rng = new Rng(rngKey('train', sequences, length));
  return Array.from({ length: sequences }, () => Array.from({ length }, () => rng.int(vocabSize)));
}
