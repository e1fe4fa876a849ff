// llama.cpp's word on one GGUF file, in a process of its own: reads a job from stdin, writes JSON on stdout.
// { library, model, prompts: tokens[], maxTokens, stopToken, text: tokens } -> { generations: tokens[], logprobs: one a token of the text but the first }
// Keys and values in float32 and no flash attention: by default llama.cpp rounds both to float16.

import { text as readAll } from 'node:stream/consumers';

const job = JSON.parse(await readAll(process.stdin));
const { getLlama } = await import(job.library);

const llama = await getLlama({ build: 'never', gpu: false, skipDownload: true, maxThreads: 1, logLevel: 'error' });
const model = await llama.loadModel({ modelPath: job.model, gpuLayers: 0 });
const inFloat32 = { experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32', flashAttention: false };
const context = await model.createContext({ contextSize: 512, batchSize: 512, threads: 1, ...inFloat32 });
const sequence = context.getSequence();

const logprobs = await logprobsOf(job.text);
const generations = [];
for (const prompt of job.prompts) generations.push(await continuation(prompt));
process.stdout.write(JSON.stringify({ generations, logprobs }));

await context.dispose();
await model.dispose();
await llama.dispose();

async function logprobsOf(tokens) {
  const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  const found = [];
  const onTokenResult = (at, { next }) => {
    if (at + 1 < tokens.length) found[at] = logprobOf(tokens[at + 1], next.probabilities);
  };
  const asked = tokens.map((token) => [token, { generateNext: { probabilities: true, options } }]);
  await sequence.controlledEvaluate(asked, { onTokenResult });
  return found;
}

/** Its probabilities sum to 1 within 3e-4 only. */
function logprobOf(token, probabilities) {
  const sum = [...probabilities.values()].reduce((sum, value) => sum + value, 0);
  return Math.log(probabilities.get(token) / sum);
}

/** The likeliest tokens, with the one that ends the turn. */
async function continuation(prompt) {
  await sequence.clearHistory();
  const tokens = [];
  const options = { temperature: 0, yieldEogToken: true };
  for await (const token of sequence.evaluate(prompt, options)) {
    tokens.push(token);
    if (token === job.stopToken || tokens.length === job.maxTokens) break;
  }
  return tokens;
}
