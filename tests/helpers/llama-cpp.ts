import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { modelCache } from './smollm2.js';

const library = join(modelCache ?? '', 'node-llama-cpp/node_modules/node-llama-cpp/dist/index.js');

/** False where there are no files, or none of llama.cpp for this system among them. */
export const hasLlamaCpp = modelCache !== undefined && process.platform === 'linux' && process.arch === 'x64';

export interface LlamaCppJob {
  /** A GGUF file. */
  readonly model: string;
  readonly prompts: readonly (readonly number[])[];
  readonly maxTokens: number;
  readonly stopToken: number | undefined;
  readonly text: readonly number[];
}

const answerSchema = z.strictObject({
  /** The likeliest continuation of each prompt; the token that ended a turn is its last. */
  generations: z.array(z.array(z.int())),
  /** Of each token of the text but the first. */
  logprobs: z.array(z.number()),
});

/** What llama.cpp computes, all in float32, in a process of its own. */
export async function askLlamaCpp(job: LlamaCppJob): Promise<z.output<typeof answerSchema>> {
  const script = resolve('tests/models/smollm2/llama-cpp.mjs');
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, NODE_LLAMA_CPP_SKIP_DOWNLOAD: 'true' };
  const child = spawn(process.execPath, [script], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const said = text(child.stderr);
  child.stdin.end(JSON.stringify({ ...job, library: pathToFileURL(library).href }));
  const answer = await json(child.stdout).catch(async (cause: unknown) => {
    throw new Error(`llama.cpp gave no answer: ${await said}`, { cause });
  });
  return answerSchema.parse(answer);
}
