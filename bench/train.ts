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
    yield await compare(reduced(trainCase, options), options, signal);
  }
}

async function compare(trainCase: TrainCase, options: BenchOptions, signal: AbortSignal): Promise<Row> {
  const say = (line: string): void => options.progress(`train: ${trainCase.name}: ${line}`);
  const { config, vocabSize } = trainCase;
  const { threads } = options;
  await using folder = await temporaryFolder();
  const shared = { do: 'open', config, tokens: tokensOf(trainCase), weights: join(folder.path, 'weights') };

  await using verlet = ourSide('train-side.js');
  await using torch = await torchSide('train.py', options, signal);
  await using compiledTorch = options.compile ? await torchSide('train.py', options, signal) : undefined;
  say('drawing weights');
  const { backend, shapes } = await verlet.ask({ ...shared, vocabSize, threads }, openAnswer, signal);
  const openTorch = { ...shared, shapes, optimizer, threads };
  const { versions } = await torch.ask({ ...openTorch, compile: false }, openedTorch, signal);
  const [ours, eager] = [contender(verlet), contender(torch)];
  say(`warming up ${backend}`);
  await warmUp(ours, signal);
  say('warming up PyTorch');
  await warmUp(eager, signal);

  if (options.compile) say('compiling PyTorch');
  const compiled = await tryCompiled(compiledTorch, { ...openTorch, compile: true }, signal);
  const peers = [eager, ...compiled.contenders];
  for (const peer of peers) checkAgreement(trainCase.name, ours, peer);
  await takeTurns([ours, ...peers], options.rounds ?? trainCase.rounds, say, signal);
  return {
    ...trainFigures(trainCase, ours, peers),
    compileError: compiled.error,
    backend,
    threads,
    cpu: machine().cpu,
    isa: machine().isa,
    versions: { node: process.versions.node, ...versions },
  };
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

/** Compiled PyTorch, warmed up. That a machine cannot compile is a figure of the row, not the end of the bench. */
async function tryCompiled(side: Side | undefined, open: Json, signal: AbortSignal) {
  if (side === undefined) return { contenders: [], error: null };
  try {
    const compiled = contender(side);
    await side.ask(open, openedTorch, signal);
    await warmUp(compiled, signal);
    return { contenders: [compiled], error: null };
  } catch (error) {
    signal.throwIfAborted();
    return { contenders: [], error: error instanceof Error ? error.message : String(error) };
  }
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
