/** SmolLM2 in verlet beside llama.cpp: a GGUF file that verlet wrote in float32, and the quantised one that it was made of. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeGguf } from '../../../core/model/gguf/write-gguf.js';
import { askLlamaCpp, hasLlamaCpp } from '../../helpers/llama-cpp.js';
import {
  generateGreedily,
  isLongForm,
  logitsAfter,
  logProbsOf,
  needsModels,
  openSmollm2,
  promptTokens,
  type Smollm2,
} from '../../helpers/smollm2.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';
import { never } from '../../helpers/tiny-policy.js';
import { longText, questions } from './questions.js';

const [promptCount, maxTokens, textLength] = isLongForm ? [20, 64, 200] : [6, 24, 64];
/** What another order of additions may make of a log-prob: the worst found is 3e-5. Tokens so close to each other may be swapped. */
const ROUNDING = 5e-4;

describe.skipIf(!hasLlamaCpp)(needsModels, { timeout: 600_000 }, () => {
  let model: Smollm2;
  let text: readonly number[];
  let ours: Float32Array;
  beforeAll(async () => {
    model = await openSmollm2();
    text = model.tokenizer.encode(longText).slice(0, textLength);
    ours = await logProbsOf(model, text);
  });
  afterAll(async () => await model[Symbol.asyncDispose]());

  test('llama.cpp loads what writeGguf writes, says the same, and is as sure of it', async () => {
    using folder = new TemporaryFolder();
    const path = join(folder.path, 'model-F32.gguf');
    await writeGguf(model.files, path, { dtype: 'F32' }, never);
    const prompts = questions.slice(0, promptCount).map((question) => promptTokens(model, question));
    const stopToken = model.tokenizer.eosToken;
    const theirs = await askLlamaCpp({ model: path, prompts, maxTokens, stopToken, text });
    const said = await generateGreedily(model, prompts, maxTokens);
    const different = [];
    for (const [i, prompt] of prompts.entries())
      different.push(...(await differences(model, prompt, { said: said[i]!, expected: theirs.generations[i]! })));
    expect(different).toEqual([]);
    const gaps = ours.map((value, t) => Math.abs(value - theirs.logprobs[t]!));
    expect(Math.max(...gaps)).toBeLessThan(ROUNDING);
  });

  test('the quantised file, whose products llama.cpp rounds to 8 bits, has nearly the same log-probs', async () => {
    const { logprobs } = await askLlamaCpp({ model: model.path, prompts: [], maxTokens: 1, stopToken: 0, text });
    const gaps = ours.map((value, t) => Math.abs(value - logprobs[t]!));
    // 0.075 over 200 tokens, where the worst is 0.8.
    expect(gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length).toBeLessThan(0.15);
  });
});

interface Continuations {
  readonly said: readonly number[];
  readonly expected: readonly number[];
}

/** One sentence where they part, unless the two likeliest tokens are nearly as likely there: then what follows says nothing. */
async function differences(
  model: Smollm2,
  prompt: readonly number[],
  { said, expected }: Continuations,
): Promise<string[]> {
  const at = Math.max(said.length, expected.length);
  const first = Array.from({ length: at }, (_, t) => t).find((t) => said[t] !== expected[t]);
  if (first === undefined) return [];
  const [best = 0, second = 0] = (await logitsAfter(model, [...prompt, ...said.slice(0, first)]))
    .sort()
    .slice(-2)
    .reverse();
  if (best - second < 2 * ROUNDING) return [];
  const show = (tokens: readonly number[]) => JSON.stringify(model.tokenizer.decode(tokens));
  return [`${show(said)} is not ${show(expected)}: token ${first}, which is ${best - second} above the second`];
}
