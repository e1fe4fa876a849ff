import { decoderConfig } from '../core/model/architectures/architectures.js';
import { freshHfConfig } from '../core/model/fresh-config.js';
import { weightShapes } from '../core/model/weight-shapes.js';
import type { Side } from './side.js';
import type { StepAnswer, TrainCase } from './train-cases.js';

/** The first builds caches and compiles, the second settles. */
export const warmUpSteps = 2;

/** A side and the steps it has made, those of the warm-up first. */
export interface Contender {
  readonly side: Side;
  readonly steps: StepAnswer[];
}

/** What a row says of a case and a peer. */
export function trainFigures(trainCase: TrainCase, ours: Contender, peer: Contender) {
  const tokens = trainCase.sequences * trainCase.length;
  const speed = (one: Contender): number => tokens / median(timed(one).map(({ seconds }) => seconds));
  const [memory, peerMemory] = [ours.side.peakMemoryBytes, peer.side.peakMemoryBytes];
  return {
    bench: 'train',
    case: trainCase.name,
    ratio: speed(ours) / speed(peer),
    tokensPerSecond: speed(ours),
    peerTokensPerSecond: speed(peer),
    memoryRatio: memory === null || peerMemory === null ? null : peerMemory / memory,
    peakMemoryBytes: memory,
    peerPeakMemoryBytes: peerMemory,
    steps: timed(ours).length,
    loss: ours.steps[0]?.loss ?? null,
    peerLoss: peer.steps[0]?.loss ?? null,
    lastLoss: ours.steps.at(-1)?.loss ?? null,
    peerLastLoss: peer.steps.at(-1)?.loss ?? null,
    gradNorm: ours.steps[0]?.gradNorm ?? null,
    peerGradNorm: peer.steps[0]?.gradNorm ?? null,
    seconds: timed(ours).map(({ seconds }) => seconds),
    peerSeconds: timed(peer).map(({ seconds }) => seconds),
    layers: trainCase.config.numHiddenLayers,
    parameters: parameterCount(trainCase),
    sequences: trainCase.sequences,
    length: trainCase.length,
  };
}

function timed({ steps }: Contender): readonly StepAnswer[] {
  return steps.slice(warmUpSteps);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return ((sorted[middle] ?? Number.NaN) + (sorted[sorted.length - 1 - middle] ?? Number.NaN)) / 2;
}

function parameterCount({ config, vocabSize }: TrainCase): number {
  const sizes = [...weightShapes(decoderConfig(freshHfConfig(config, vocabSize), 'the benchmark')).values()].map(
    (shape) => shape.reduce((a, b) => a * b, 1),
  );
  return sizes.reduce((a, b) => a + b, 0);
}
