import { weightShapes } from '../core/model/weights.js';
import type { Side } from './side.js';
import type { StepAnswer, TrainCase } from './train-cases.js';

/** The first builds caches and compiles, the second settles. */
export const warmUpSteps = 2;

/** A side and the steps it has made, those of the warm-up first. */
export interface Contender {
  readonly side: Side;
  readonly steps: StepAnswer[];
}

/**
 * What a row says of a case. Peers are eager and, where it works, compiled PyTorch, in this order: speed is compared with the faster of
 * them, memory with the smaller.
 */
export function trainFigures(trainCase: TrainCase, ours: Contender, peers: readonly Contender[]) {
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
    loss: ours.steps[0]?.loss ?? null,
    peerLoss: peer?.steps[0]?.loss ?? null,
    lastLoss: ours.steps.at(-1)?.loss ?? null,
    peerLastLoss: peer?.steps.at(-1)?.loss ?? null,
    gradNorm: ours.steps[0]?.gradNorm ?? null,
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
