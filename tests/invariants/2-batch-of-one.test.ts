import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { Batch } from '../../core/batch.js';
import { lossAggModes } from '../../core/losses/aggregate.js';
import { attendToPages } from '../../core/model/attend.js';
import { decoder } from '../../core/model/decoder.js';
import type { Policy } from '../../core/model/policy.js';
import { KvPages } from '../../core/tensor/kv-pages.js';
import type { PolicyTrainer } from '../../core/trainer.js';
import { headOutput } from '../../core/training/forward.js';
import type { TrainSequence } from '../../core/types.js';
import { read, withBackends } from '../helpers/gradient.js';
import { readTensors } from '../helpers/safetensors-files.js';
import { sameBeside } from '../helpers/same-numbers.js';
import {
  generateAll,
  largestDifference,
  never,
  openTinyPolicy,
  sampleEpisodes,
  temporaryDirectory,
  tinySampling,
  tinyUpdate,
  tokensOf,
  weightValues,
} from '../helpers/tiny-policy.js';
import { toleranceOn } from '../helpers/tolerance.js';

/** Prompts on both sides of a page's and of a piece's end. */
const prompts = [1, 63, 64, 65, 511, 600].map((length, i) => ({
  tokens: tokensOf(length, 'alone', i),
  sampling: { ...tinySampling, maxTokens: 3 + i, seed: i },
}));
const long = { maxPositionEmbeddings: 1024 };

withBackends((backend) => {
  it('when it is sampled with others that start and end at other times, bit for bit', async () => {
    using tiny = openTinyPolicy(1, long);
    const together = await generateAll(tiny.sampler, prompts);
    const staggered = await generateAll(tiny.sampler, prompts, [2, 0, 1, 4, 3, 1]);
    for (const [i, prompt] of prompts.entries()) {
      const [alone] = await generateAll(tiny.sampler, [prompt]);
      expect(together[i]).toEqual(sameBeside(alone));
      expect(staggered[i]).toEqual(sameBeside(alone));
    }
  });

  it('when a neighbour is cancelled in the middle', async () => {
    using tiny = openTinyPolicy(1, long);
    const [alone] = await generateAll(tiny.sampler, [prompts[5]!]);
    for (const id of [1, 2]) tiny.sampler.admit(id, prompts[1 + id]!.tokens, { ...tinySampling, maxTokens: 50 });
    await tiny.sampler.step();
    tiny.sampler.admit(3, prompts[5]!.tokens, prompts[5]!.sampling);
    await tiny.sampler.step();
    tiny.sampler.cancel(1);
    const finished = [];
    while (finished.length === 0) finished.push(...(await tiny.sampler.step()));
    expect(finished).toEqual([{ id: 3, generation: sameBeside(alone) }]);
    tiny.sampler.cancel(2);
    expect([tiny.sampler.size, tiny.sampler.pagesInUse]).toEqual([0, 0]);
  });

  it('when its log-probs and entropies are computed beside others, bit for bit', async () => {
    using tiny = openTinyPolicy();
    const sequences = await sampleEpisodes(tiny.sampler, 4);
    const packed = headOutputs(tiny.policy, sequences);
    const alone = sequences.flatMap((sequence) => headOutputs(tiny.policy, [sequence]));
    expect(packed).toEqual(sameBeside(alone));
  });

  it('when its tokens are read from pages in pieces, within the tolerance of the backend', () => {
    using tiny = openTinyPolicy();
    const sequence = tokensOf(200, 'pieces');
    const whole = inPieces(tiny.policy, sequence, [200]);
    for (const pieces of [[64, 136], [13, 100, 1, 7, 79], Array<number>(200).fill(1)]) {
      const difference = largestDifference(inPieces(tiny.policy, sequence, pieces), whole);
      expect(difference).toBeLessThanOrEqual(toleranceOn(backend, 2e-5));
    }
  });

  // Adam's first step divides a gradient by its own size, so rounding of gradients near 0 shows in weights: compared by their mean.
  it.each(lossAggModes)(
    'with %s the size of a micro-batch changes neither gradients nor weights nor metrics',
    async (lossAggMode) => {
      const results = [];
      for (const ppoMaxTokenLenPerGpu of [1000, 1, 60, 100]) {
        using tiny = openTinyPolicy();
        const sequences = await sampleEpisodes(tiny.sampler, 5);
        const options = { ...tinyUpdate, lossAggMode, ppoMaxTokenLenPerGpu, entropyCoeff: 0.01 };
        const metrics = await tiny.trainer.update(sequences, options, never);
        const weights = await weightValues(tiny.policy);
        results.push({ metrics: Object.values(metrics), weights, moments: await momentValues(tiny.trainer) });
      }
      const [whole, ...split] = results;
      expect(Math.max(...whole!.moments)).toBeGreaterThan(1e-3);
      for (const { metrics, weights, moments } of split) {
        expect(largestDifference(moments, whole!.moments)).toBeLessThan(1e-6);
        expect(meanDifference(weights, whole!.weights)).toBeLessThan(1e-6);
        expect(largestDifference(metrics, whole!.metrics)).toBeLessThan(1e-5);
      }
    },
  );
});

/** Log-probs of the sampled tokens, each with the entropy at its place, sequence after sequence. */
function headOutputs(policy: Policy, sequences: readonly TrainSequence[]): number[][] {
  using batch = new Batch(sequences.map((sequence) => ({ sequence, weight: 1 })));
  return tf.tidy(() => {
    const { logProbs, entropy } = headOutput(policy, batch, 1);
    const entropies = entropy.dataSync();
    return [...logProbs.dataSync()].map((logProb, i) => [logProb, entropies[i]!]);
  });
}

/** The decoder's output for a sequence that is read in pieces of so many tokens, each continuing from the pages of the ones before. */
function inPieces(policy: Policy, sequence: readonly number[], pieces: readonly number[]): number[] {
  const pages = new KvPages(policy.config);
  const blocks = Int32Array.from({ length: Math.ceil(sequence.length / 64) }, () => pages.alloc());
  let cached = 0;
  return pieces.flatMap((count) => {
    const [start, end] = [cached, cached + count];
    cached = end;
    const one = { lengths: Int32Array.of(start), offsets: Int32Array.of(0, count) };
    const attend = attendToPages({ pages, blocks, blockOffsets: Int32Array.of(0, blocks.length), ...one });
    return read(() => {
      const tokens = tf.tensor1d(sequence.slice(start, end), 'int32');
      const positions = tf.range(start, end, 1, 'int32');
      return decoder(policy, { tokens, positions, attend, isCheckpointed: false });
    });
  });
}

/** After one step the first moments are a tenth of the clipped gradient. */
async function momentValues(trainer: PolicyTrainer): Promise<number[]> {
  await using directory = await temporaryDirectory();
  await trainer.save(directory.path, never);
  const stored = await readTensors(join(directory.path, 'optimizer.safetensors'));
  return [...stored].flatMap(([name, { values }]) => (name.startsWith('first.') ? [...values] : []));
}

function meanDifference(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}
