import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Batch } from '../../../core/batch.js';
import { predictorRows } from '../../../core/training/forward.js';
import { type InferOptions, inferColumns, type TrainSequence } from '../../../core/types.js';
import { expectClose } from '../../helpers/expect-close.js';
import { withBackends } from '../../helpers/gradient.js';
import { never, openTinyPolicy, sampleEpisodes, type TinyPolicy, tinyUpdate } from '../../helpers/tiny-policy.js';
import { toleranceOn } from '../../helpers/tolerance.js';

const options: InferOptions = { columns: inferColumns, temperature: 0.7, ppoMaxTokenLenPerGpu: 128 };

function sampledOnly({ mask }: TrainSequence, row: readonly number[] = []): number[] {
  return row.filter((_, t) => mask[t] === 1);
}

/** Entropy and Σ π² of every sampled token by an explicit softmax over all logits, in float64. */
async function bySoftmax({ policy }: TinyPolicy, sequence: TrainSequence): Promise<{ entropy: number; sum: number }[]> {
  using batch = new Batch([{ sequence, weight: 1 }]);
  const logits = tf.tidy(() => {
    const rows = predictorRows(policy, batch); // [M, C]
    return tf.matMul(rows, policy.weights.matrix('model.embed_tokens.weight'), false, true); // [M, V]
  });
  const rows = await logits.array();
  logits.dispose();
  if (!Array.isArray(rows)) throw new Error('logits have two axes');
  return rows.map((row) => {
    const exps = (Array.isArray(row) ? row : []).map((x) => Math.exp(Number(x) / options.temperature));
    const total = exps.reduce((a, b) => a + b, 0);
    const probabilities = exps.map((x) => x / total);
    return {
      entropy: -probabilities.reduce((sum, p) => sum + p * Math.log(p), 0),
      sum: probabilities.reduce((sum, p) => sum + p * p, 0),
    };
  });
}

withBackends((backend) => {
  describe('inferring', () => {
    it('says of sampled tokens what the engine said, and 0 of the others', async () => {
      using tiny = openTinyPolicy();
      const sequences = await sampleEpisodes(tiny.sampler, 3, options.temperature);
      const { logprobs = [] } = await tiny.trainer.infer(sequences, options, never);
      const tolerance = { relative: 0, absolute: toleranceOn(backend, 1e-5) };
      for (const [i, sequence] of sequences.entries()) expectClose(logprobs[i] ?? [], sequence.logprobs, tolerance);
    });

    it('agrees with an update about old log-probs and entropy', async () => {
      using tiny = openTinyPolicy();
      const sequences = await sampleEpisodes(tiny.sampler, 2);
      const inferred = await tiny.trainer.infer(sequences, { ...options, temperature: 1 }, never);
      const moved = sequences.map((sequence, i) => ({ ...sequence, logprobs: inferred.logprobs?.[i] ?? [] }));
      const metrics = await tiny.trainer.update(moved, tinyUpdate, never);
      const entropies = sequences.flatMap((sequence, i) => sampledOnly(sequence, inferred.entropy?.[i]));
      expect(metrics['training/rollout_logprobs_diff_max']).toBe(0);
      expect(metrics['actor/entropy']).toBeCloseTo(entropies.reduce((a, b) => a + b, 0) / entropies.length, 5);
    });

    it('takes Σ π² and entropy over the whole vocabulary', async () => {
      using tiny = openTinyPolicy();
      const [sequence] = await sampleEpisodes(tiny.sampler, 1);
      const { sumPiSquared = [], entropy = [] } = await tiny.trainer.infer([sequence!], options, never);
      const expected = await bySoftmax(tiny, sequence!);
      const near = { relative: 1e-5, absolute: 1e-6 };
      expectClose(
        sampledOnly(sequence!, sumPiSquared[0]),
        expected.map(({ sum }) => sum),
        near,
      );
      expectClose(
        sampledOnly(sequence!, entropy[0]),
        expected.map(({ entropy }) => entropy),
        near,
      );
    });

    it('says the same of a sequence alone as among others, whatever fits into a forward pass', async () => {
      using tiny = openTinyPolicy();
      const sequences = await sampleEpisodes(tiny.sampler, 3);
      const together = await tiny.trainer.infer(sequences, { ...options, ppoMaxTokenLenPerGpu: 4096 }, never);
      const tolerance = { relative: 0, absolute: backend.startsWith('node') ? 5e-6 : 0 };
      for (const [i, sequence] of sequences.entries()) {
        const alone = await tiny.trainer.infer([sequence], { ...options, ppoMaxTokenLenPerGpu: 1 }, never);
        for (const column of inferColumns)
          expectClose(alone[column]?.[0] ?? [], together[column]?.[i] ?? [Number.NaN], tolerance, column);
      }
    });

    it('of no sequence, and of one that holds no sampled token, is nothing and zeros', async () => {
      using tiny = openTinyPolicy();
      const unsampled = { tokens: [5, 6, 7], mask: [0, 0, 0] as const };
      expect(await tiny.trainer.infer([], { ...options, columns: ['logprobs'] }, never)).toEqual({ logprobs: [] });
      const [sampled] = await sampleEpisodes(tiny.sampler, 1);
      const { values, logprobs } = await tiny.trainer.infer([unsampled, sampled!], options, never);
      expect([values?.[0], logprobs?.[0]]).toEqual([
        [0, 0, 0],
        [0, 0, 0],
      ]);
    });

    it('throws the reason of an aborted signal', async () => {
      using tiny = openTinyPolicy();
      const reason = new Error('enough');
      const sequences = await sampleEpisodes(tiny.sampler, 1);
      await expect(tiny.trainer.infer(sequences, options, AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
});
