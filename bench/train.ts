import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { weightShapes } from '../core/model/weights.js';
import { Rng, rngKey } from '../core/rng.js';
import type { Bench, BenchOptions } from './bench.js';
import { machine } from './machine.js';
import { ourSide } from './our-side.js';
import type { Row } from './row.js';
import type { Side } from './side.js';
import { torchSide } from './torch-python.js';
import { openAnswer, optimizer, type StepAnswer, stepAnswer, type TrainCase, trainCases } from './train-cases.js';

/** The first builds caches and compiles, the second settles. */
const warmUpSteps = 2;
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
    'loss. Sides are processes that take turns, step by step; speeds are medians, the ratio is against the faster of eager and ' +
    '`torch.compile`, memory is the peak of the whole process (for PyTorch the smaller of the two).',
  cases: trainCases.map(({ name }) => name),
  peers: ['torch'],
  columns: {
    tokensPerSecond: 'tokens/s',
    peerTokensPerSecond: "peer's tokens/s",
    peerMode: "peer's mode",
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
    yield await compare(withLayers(trainCase, options.layers), options, signal);
  }
}

/** A side and the steps it has made. */
interface Contender {
  readonly side: Side;
  readonly steps: StepAnswer[];
}

async function compare(trainCase: TrainCase, options: BenchOptions, signal: AbortSignal): Promise<Row> {
  const say = (line: string): void => options.progress(`train: ${trainCase.name}: ${line}`);
  const { config, vocabSize, rounds } = trainCase;
  const tokens = tokensOf(trainCase);
  await using folder = await temporaryFolder();
  const weights = join(folder.path, 'weights');

  say('drawing weights');
  await using ourProcess = ourSide('train-side.js', options.threads);
  const openOurs = { do: 'open', config, vocabSize, tokens, weights };
  const { backend, shapes } = await ourProcess.ask(openOurs, openAnswer, signal);
  const openTorch = { do: 'open', config, shapes, weights, tokens, optimizer, threads: options.threads };
  await using eagerProcess = await torchSide('train.py', options, signal);
  const { versions } = await eagerProcess.ask({ ...openTorch, compile: false }, openedTorch, signal);
  const [ours, eager] = [contender(ourProcess), contender(eagerProcess)];
  for (const one of [ours, eager]) {
    say(`warming up ${one === ours ? backend : 'PyTorch'}`);
    await warmUp(one, signal);
  }
  await using compiledProcess = options.compile ? await torchSide('train.py', options, signal) : undefined;
  const compiled = compiledProcess === undefined ? undefined : contender(compiledProcess);
  let compileError: string | null = null;
  if (compiled !== undefined) {
    say('compiling');
    const open = compiled.side.ask({ ...openTorch, compile: true }, openedTorch, signal);
    compileError = await messageOf(
      open.then(() => warmUp(compiled, signal)),
      signal,
    );
  }

  const contenders = [ours, eager, ...(compiled === undefined || compileError !== null ? [] : [compiled])];
  for (const peer of contenders.slice(1)) checkAgreement(trainCase.name, ours, peer);
  for (let round = 0; round < (options.rounds ?? rounds); round++) {
    say(`round ${round + 1} of ${options.rounds ?? rounds}`);
    for (const one of contenders) await step(one, signal);
  }
  return {
    ...figures(trainCase, contenders),
    backend,
    threads: options.threads,
    compileError,
    cpu: machine().cpu,
    isa: machine().isa,
    versions: { node: process.versions.node, ...versions },
  };
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

/** What a machine without a compiler says is a figure of the row, not the end of the bench. */
async function messageOf(work: Promise<void>, signal: AbortSignal): Promise<string | null> {
  return work.then(
    () => null,
    (error: unknown) => {
      signal.throwIfAborted();
      return error instanceof Error ? error.message : String(error);
    },
  );
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

/** Peers are eager and, where it works, compiled PyTorch, in this order. */
function figures(trainCase: TrainCase, [ours, ...peers]: readonly Contender[]) {
  const tokens = trainCase.sequences * trainCase.length;
  const speed = (one: Contender | undefined): number => tokens / median(timed(one).map(({ seconds }) => seconds));
  const speeds = peers.map(speed);
  const fastest = Math.max(...speeds);
  const peer = peers[speeds.indexOf(fastest)];
  const [memory, ...peerMemories] = [ours, ...peers].map((one) => one?.side.peakMemoryBytes ?? null);
  const peerMemory = peerMemories.reduce((a, b) => (a === null || b === null ? null : Math.min(a, b)));
  return {
    bench: 'train',
    case: trainCase.name,
    peer: 'torch',
    ratio: speed(ours) / fastest,
    tokensPerSecond: speed(ours),
    peerTokensPerSecond: fastest,
    peerMode: speeds.indexOf(fastest) === 0 ? 'eager' : 'compiled',
    eagerTokensPerSecond: speeds[0] ?? null,
    compiledTokensPerSecond: speeds[1] ?? null,
    memoryRatio: memory == null || peerMemory === null ? null : peerMemory / memory,
    peakMemoryBytes: memory ?? null,
    peerPeakMemoryBytes: peerMemory,
    eagerPeakMemoryBytes: peerMemories[0] ?? null,
    compiledPeakMemoryBytes: peerMemories[1] ?? null,
    steps: timed(ours).length,
    loss: ours?.steps[0]?.loss ?? null,
    peerLoss: peer?.steps[0]?.loss ?? null,
    lastLoss: ours?.steps.at(-1)?.loss ?? null,
    peerLastLoss: peer?.steps.at(-1)?.loss ?? null,
    gradNorm: ours?.steps[0]?.gradNorm ?? null,
    peerGradNorm: peer?.steps[0]?.gradNorm ?? null,
    seconds: timed(ours).map(({ seconds }) => seconds),
    peerSeconds: timed(peer).map(({ seconds }) => seconds),
    layers: trainCase.config.numHiddenLayers,
    parameters: parameterCount(trainCase),
    sequences: trainCase.sequences,
    length: trainCase.length,
  };
}

function timed(one: Contender | undefined): readonly StepAnswer[] {
  return one?.steps.slice(warmUpSteps) ?? [];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return ((sorted[middle] ?? Number.NaN) + (sorted[sorted.length - 1 - middle] ?? Number.NaN)) / 2;
}

function parameterCount({ config, vocabSize }: TrainCase): number {
  const sizes = [...weightShapes(config, vocabSize).values()].map((shape) => shape.reduce((a, b) => a * b, 1));
  return sizes.reduce((a, b) => a + b, 0);
}

function withLayers(trainCase: TrainCase, layers: number | undefined): TrainCase {
  if (layers === undefined) return trainCase;
  const config = { ...trainCase.config, numHiddenLayers: layers };
  return { ...trainCase, name: `${trainCase.name}, ${layers} layers`, config };
}

function tokensOf({ sequences, length, vocabSize }: TrainCase): number[][] {
  const rng = new Rng(rngKey('train', sequences, length));
  return Array.from({ length: sequences }, () => Array.from({ length }, () => rng.int(vocabSize)));
}

async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'verlet-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
