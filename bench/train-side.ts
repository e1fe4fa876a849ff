import { closeSync, openSync, writeSync } from 'node:fs';
import type { z } from 'zod';
import { algorithmConfig } from '../core/algorithm-config.js';
import { assert } from '../core/errors.js';
import { Policy } from '../core/model/policy.js';
import { passLimit } from '../core/pass-limit.js';
import { useBackend } from '../core/tensor/backend.js';
import { PolicyTrainer } from '../core/trainer.js';
import { supervisedOptions } from '../core/training/supervised-options.js';
import type { TrainSequence, UpdateOptions } from '../core/types.js';
import { serveSide } from './serve-side.js';
import { openRequest, optimizer, type StepAnswer } from './train-cases.js';

const seed = 1;
const never = new AbortController().signal;

let opened: { readonly trainer: PolicyTrainer; readonly sequences: readonly TrainSequence[] } | undefined;

await serveSide({ open: (request) => open(openRequest.parse(request)), step });

async function open({ config, vocabSize, tokens, weights, threads }: z.output<typeof openRequest>) {
  const backend = await useBackend('auto', { threads });
  const policy = Policy.fresh(config, vocabSize, seed);
  await writeWeights(policy, weights);
  opened = { trainer: new PolicyTrainer(policy), sequences: tokens.map(demonstration) };
  return { backend, shapes: policy.weights.names.map((name) => [name, policy.weights.get(name).shape] as const) };
}

async function step(): Promise<{ -readonly [Key in keyof StepAnswer]: StepAnswer[Key] }> {
  assert(opened !== undefined, 'a step before the policy was opened');
  const { trainer, sequences } = opened;
  const start = performance.now();
  const metrics = await trainer.update(sequences, updateOptions(sequences.length), never);
  const seconds = (performance.now() - start) / 1000;
  return { seconds, loss: metrics['actor/pg_loss'] ?? Number.NaN, gradNorm: metrics['actor/grad_norm'] ?? Number.NaN };
}

/** Maximum likelihood of every token but the first, in one optimizer step; passes as long as a run has them by default. */
function updateOptions(ppoMiniBatchSize: number): UpdateOptions {
  return supervisedOptions(ppoMiniBatchSize, passLimit(algorithmConfig.parse({})), optimizer);
}

function demonstration(tokens: readonly number[]): TrainSequence {
  const mask = tokens.map((_, t) => (t === 0 ? 0 : 1));
  return { tokens, mask, logprobs: tokens.map(() => 0), advantages: mask };
}

/** One weight after the other: no second copy of the model counts in this side's memory. */
async function writeWeights({ weights }: Policy, path: string): Promise<void> {
  const file = openSync(path, 'w');
  try {
    for (const name of weights.names) {
      const values = await weights.get(name).data<'float32'>();
      writeAll(file, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}
