import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { Batch } from '../../core/batch.js';
import { openGgufModel } from '../../core/model/gguf/gguf-model.js';
import { loadPolicy } from '../../core/model/load-policy.js';
import { lastLogits } from '../../core/model/logits.js';
import type { ModelFiles } from '../../core/model/model-files.js';
import type { Policy } from '../../core/model/policy.js';
import { PolicySampler } from '../../core/model/sampler.js';
import { useBackend } from '../../core/tensor/backend.js';
import { type ChatTemplate, chatTemplate } from '../../core/text/chat-template.js';
import { type HfTokenizer, hfTokenizer } from '../../core/text/hf-tokenizer.js';
import { headOutput } from '../../core/training/forward.js';
import { detectedBackend } from './backend.js';
import { generateAll, never } from './tiny-policy.js';

/** Where `npm test` put the files of real models; undefined where it was told not to. */
export const modelCache = process.env.VERLET_MODEL_CACHE;

/** What a test of them is called, so that its being skipped explains itself. */
export const needsModels = 'with the files in VERLET_MODEL_CACHE (npm test fetches them; skipped when it is not set)';

/** Whether to compare every prompt and token, as `npm run test:models` does, or a share of them. */
export const isLongForm = process.env.VERLET_MODEL_TESTS === 'all';

/** SmolLM2-135M-Instruct as its GGUF file has it, on the detected backend. */
export interface Smollm2 extends AsyncDisposable {
  readonly path: string;
  readonly files: ModelFiles;
  readonly policy: Policy;
  readonly tokenizer: HfTokenizer;
  readonly template: ChatTemplate;
}

export async function openSmollm2(): Promise<Smollm2> {
  await useBackend(detectedBackend);
  const path = join(modelCache ?? '', 'smollm2', 'SmolLM2-135M-Instruct.Q4_1.gguf');
  const files = await openGgufModel(path, never);
  if (files.text === undefined) throw new Error(`${path} has no tokenizer`);
  const policy = await loadPolicy(files, { contextLength: 512 }, never);
  const tokenizer = hfTokenizer(files.text);
  return {
    ...{ path, files, policy, tokenizer, template: chatTemplate(files.text, tokenizer) },
    [Symbol.asyncDispose]: async () => {
      policy[Symbol.dispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

/** The tokens of a user's message up to where the assistant is to speak. */
export function promptTokens({ template }: Smollm2, content: string): number[] {
  return template.render({ messages: [{ role: 'user', content }] }, { addGenerationPrompt: true });
}

/** The likeliest continuation of each prompt, one batch; the token that ended a turn is its last. */
export async function generateGreedily(
  { policy, tokenizer }: Smollm2,
  prompts: readonly (readonly number[])[],
  maxTokens: number,
): Promise<readonly (readonly number[])[]> {
  const stopTokens = tokenizer.eosToken === undefined ? [] : [tokenizer.eosToken];
  using sampler = new PolicySampler(policy);
  const sampling = { temperature: 0, maxTokens, stopTokens, seed: 0 };
  const generations = await generateAll(
    sampler,
    prompts.map((tokens) => ({ tokens, sampling })),
  );
  return generations.map(({ tokens }) => tokens);
}

/** The log-prob of each token but the first, as training computes it. */
export async function logProbsOf({ policy }: Smollm2, tokens: readonly number[]): Promise<Float32Array> {
  const zeros = tokens.map(() => 0);
  const mask = tokens.map((_, t) => (t === 0 ? (0 as const) : (1 as const)));
  using batch = new Batch([{ sequence: { tokens, mask, logprobs: zeros, advantages: zeros }, weight: 1 }]);
  return await readAndFree(tf.tidy(() => headOutput(policy, batch, 1).logProbs));
}

/** The logits after the last token, one a token of the vocabulary. */
export async function logitsAfter({ policy }: Smollm2, tokens: readonly number[]): Promise<Float32Array> {
  return await readAndFree(lastLogits(policy, [tokens]));
}

async function readAndFree(tensor: tf.Tensor): Promise<Float32Array> {
  const values = await tensor.data<'float32'>();
  tensor.dispose();
  return values;
}
