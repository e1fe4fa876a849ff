import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { metricsRecord } from '../../core/trackers/record.js';
import { detectedBackend } from './backend.js';

export const example = resolve('examples/arithmetic/arithmetic.yaml');

/** The example made small: differences of digits, a policy of a few thousand weights, and updates large enough to see. */
export const smoke = [
  'seed=2',
  'env.smallest=1',
  'env.largest=9',
  'env.operators=["-"]',
  'env.teacher.toolRate=0',
  'model.hiddenSize=16',
  'model.numHiddenLayers=1',
  'model.numAttentionHeads=2',
  'model.numKeyValueHeads=1',
  'model.headDim=8',
  'model.intermediateSize=32',
  'model.ropeTheta=500',
  'model.initializerRange=0.1',
  'warmStart.steps=24',
  'warmStart.demonstrations=40',
  'warmStart.batchSize=4',
  'warmStart.optimizer.lr=5e-2',
  'warmStart.optimizer.lrScheduler=linear',
  'warmStart.optimizer.lrMinRatio=0.05',
  'warmStart.optimizer.lrWarmupSteps=0',
  'rollout.n=4',
  'rollout.maxTurnTokens=16',
  'optimizer.lr=1e-2',
  'optimizer.lrScheduler=constant',
  'algorithm.entropyCoeff=0.01',
  'data.trainBatchSize=4',
  'data.evalSize=4',
  'trainer.totalTrainingSteps=3',
  'fabric.name=in-process',
  'backend=cpu',
];

/** The words that train the small example in `run`, with changes. */
export function smokeRun(...changes: readonly string[]): string[] {
  return ['train', example, ...smoke, '--run-dir', 'run', '--json', ...changes];
}

/** Changes by which the teacher always runs a program in a sandbox, far longer than any test waits. */
export const toolDemonstrations = [
  'env.teacher.toolRate=1',
  'rollout.maxTurnTokens=80',
  'warmStart.demonstrations=2000',
  `backend=${detectedBackend}`,
];

/** The metrics of a run directory, line by line. */
export function readMetrics(directory: string): { step: number; data: { [name: string]: number } }[] {
  return jsonLines(join(directory, 'metrics.jsonl')).map((line) => metricsRecord.parse(line));
}

/** What must be equal in two runs of the same seed: all but what the clock says. */
export function withoutTimes(
  records: readonly { step: number; data: { [name: string]: number } }[],
): { step: number; data: { [name: string]: number } }[] {
  return records.map(({ step, data }) => ({
    step,
    data: Object.fromEntries(Object.entries(data).filter(([name]) => !/^(timing_s|perf)\//.test(name))),
  }));
}

export function jsonLines(path: string): unknown[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}
