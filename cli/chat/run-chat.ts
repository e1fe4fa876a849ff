import { randomInt } from 'node:crypto';
import { createInterface } from 'node:readline';
import { ConfigError } from '../../core/errors.js';
import { onAbort } from '../../core/on-abort.js';
import { rngKey } from '../../core/rng.js';
import type { Message } from '../../core/types.js';
import type { Io } from '../command-context.js';
import { type Answer, ChatModel } from './chat-model.js';
import type { ChatFlags, ChatPlan } from './chat-plan.js';
import { chatSampling } from './chat-sampling.js';
import { converse } from './converse.js';
import { shownText } from './shown-text.js';

/** Answers the prompts of the command line or of stdin, or holds a conversation where a person sits at a terminal. */
export async function runChat(model: string, flags: ChatFlags, io: Io, signal: AbortSignal): Promise<void> {
  const { prompt, system, raw: isRaw = false, backend, context, adapter, json: isJson = false } = flags;
  const isTalk = prompt === undefined && io.stdin.isTTY === true;
  if (isRaw && system !== undefined) throw new ConfigError('--system is a part of a conversation: leave out --raw');
  if (isTalk && isJson) throw new ConfigError('--json is for prompts: give --prompt, or prompts on stdin, a line each');
  const limits = { ...(context && { contextLength: context }), ...(adapter && { adapter }) };
  using chat = await ChatModel.open({ model, backend, isRaw, ...limits }, io, signal);
  const { seed = randomInt(2 ** 32) } = flags;
  const common = chatSampling(flags, chat.text.generation);
  const first: readonly Message[] = system === undefined ? [] : [{ role: 'system', content: system }];
  const plan: ChatPlan = {
    sampling: (index) => ({ ...common, seed: rngKey(seed, 'chat', index) }),
    prompt: (before, text) => (isRaw ? text : [...first, ...before, { role: 'user', content: text }]),
  };
  if (isTalk) return await converse(chat, plan, io, signal);
  const prompts = prompt ?? linesOf(io.stdin, signal);
  await answerAll(chat, prompts, { plan, isJson, stdout: io.stdout }, signal);
}

interface Output {
  readonly plan: ChatPlan;
  readonly isJson: boolean;
  readonly stdout: Io['stdout'];
}

async function answerAll(
  chat: ChatModel,
  prompts: Iterable<string> | AsyncIterable<string>,
  { plan, isJson, stdout }: Output,
  signal: AbortSignal,
): Promise<void> {
  let index = 0;
  const tell = shownText(stdout);
  for await (const prompt of prompts) {
    const onText = isJson ? () => undefined : tell;
    const options = { sampling: plan.sampling(index++), onText };
    const answer = await chat.answer(plan.prompt([], prompt), options, signal);
    if (!isJson) stdout.write('\n');
    signal.throwIfAborted();
    if (isJson) stdout.write(`${jsonLine(prompt, answer)}\n`);
  }
  signal.throwIfAborted();
}

function jsonLine(prompt: string, { seconds, ...answer }: Answer): string {
  return JSON.stringify({ prompt, ...answer, tokensPerSecond: answer.tokens.length / seconds });
}

/** Lines with something in them. */
async function* linesOf(input: Io['stdin'], signal: AbortSignal): AsyncIterable<string> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY, terminal: false });
  using _closing = onAbort(signal, () => lines.close());
  for await (const line of lines) if (line.trim() !== '') yield line;
}
