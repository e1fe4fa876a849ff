import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { sampleTokens } from '../../../core/tensor/sample-tokens.js';
import { withBackends } from '../../helpers/gradient.js';
import { CaseInputs, expectNear } from '../../helpers/torch-agreement.js';
import { type TorchArray, type TorchCase, torchCases } from '../../helpers/torch-fixture.js';

const column = z.array(z.number());
const attributes = z.strictObject({
  temperature: column,
  topK: column,
  topP: column,
  minP: column,
  softcap: z.number().default(0),
});

/** Tokens sampled of each row's distribution, at consecutive counters. */
const DRAWS = 256;

withBackends(() => {
  test.each(torchCases('sample-tokens', attributes))('sampled log-probs are those of PyTorch: $name', (torchCase) => {
    const drawn = draw(torchCase);
    for (const name of ['logProbs', 'samplingLogProbs'] as const) {
      const expected = chosen(torchCase.outputs[name]!, drawn.tokens);
      expect(expected.values.indexOf(Number.NEGATIVE_INFINITY), 'a draw of a token cut away').toBe(-1);
      expectNear(drawn[name], expected, name);
    }
  });

  test.each(torchCases('sample-tokens', attributes))('tokens come as often as PyTorch says: $name', (torchCase) => {
    const { tokens } = draw(torchCase);
    const { temperature } = torchCase.attributes;
    const { shape, values } = torchCase.outputs.samplingLogProbs!;
    const vocabSize = shape[1]!;
    for (const row of temperature.keys()) {
      const logProbs = [...values.subarray(row * vocabSize, (row + 1) * vocabSize)];
      const sampled = tokens.subarray(row * DRAWS, (row + 1) * DRAWS);
      if (temperature[row] === 0) expect([...new Set(sampled)]).toEqual([logProbs.indexOf(Math.max(...logProbs))]);
      else expectFrequencies(sampled, logProbs);
    }
  });
});

interface Drawn {
  readonly tokens: Int32Array;
  readonly logProbs: Float32Array;
  readonly samplingLogProbs: Float32Array;
}

/** DRAWS samples of the first row, then of the next one. */
function draw({ inputs: arrays, attributes: settings }: TorchCase<z.output<typeof attributes>>): Drawn {
  const rows = Uint32Array.from({ length: settings.temperature.length * DRAWS }, (_, i) => Math.floor(i / DRAWS));
  const repeated = (values: readonly number[]) => Float32Array.from(rows, (row) => values[row]!);
  using inputs = new CaseInputs(arrays);
  return tf.tidy(() => {
    const hidden = tf.gather(inputs.matrix('hidden'), tf.tensor1d([...rows], 'int32'));
    const sampling = {
      temperature: repeated(settings.temperature),
      topK: Int32Array.from(repeated(settings.topK)),
      topP: repeated(settings.topP),
      minP: repeated(settings.minP),
      seeds: rows.map((row) => row + 7),
      counters: rows.map((_, i) => i % DRAWS),
    };
    const weight = inputs.matrix('weight');
    const { tokens, logProbs, samplingLogProbs } = sampleTokens(hidden, weight, sampling, settings.softcap);
    return {
      tokens: Int32Array.from(tokens.dataSync()),
      logProbs: Float32Array.from(logProbs.dataSync()),
      samplingLogProbs: Float32Array.from(samplingLogProbs.dataSync()),
    };
  });
}

/** PyTorch's log-prob of each drawn token. */
function chosen({ shape, values }: TorchArray, tokens: Int32Array): TorchArray {
  const logProbs = Float64Array.from(tokens, (token, i) => values[Math.floor(i / DRAWS) * shape[1]! + token]!);
  return { shape: [tokens.length], values: logProbs };
}

/** Allows five standard deviations of a binomial count; tokens expected less than five times are left out. */
function expectFrequencies(tokens: Int32Array, logProbs: readonly number[]): void {
  for (const [token, logProb] of logProbs.entries()) {
    const probability = Math.exp(logProb);
    const mean = probability * tokens.length;
    if (mean < 5) continue;
    const count = tokens.filter((sampled) => sampled === token).length;
    expect(Math.abs(count - mean), `token ${token} came ${count} times instead of ${mean}`).toBeLessThanOrEqual(
      5 * Math.sqrt(mean * (1 - probability)) + 1e-6,
    );
  }
}
