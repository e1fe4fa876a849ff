import { describe, expect, it } from 'vitest';
import { byteTokenizer } from '../../core/text/byte-tokenizer.js';
import type { InferenceEngine } from '../../core/types.js';
import { defineEnv } from '../../envs/define-env.js';
import { ScriptedEngine } from '../../rollout/engines/scripted.js';
import { callText, echo, play, playScored, renderer } from './episode-fixture.js';

const call = callText('echo', { text: 'hi' });
const PROMPT = 1 + 'user\nyes or no?'.length + 1 + 1 + 1 + 'assistant\n'.length;

/** Pays for any ending, so that a truncation that lost its reward would show. */
const generous = defineEnv({
  name: 'generous',
  tools: [echo],
  task: () => ({ data: null }),
  prompt: () => 'yes or no?',
  rewards: {
    paid: { weight: 1, score: () => 0.5 },
    silent: { weight: 0, score: ({ answer }) => (answer === '' ? 1 : 0) },
  },
});

/** Plays the script and then waits until it is aborted. */
function stalling(script: string[]): InferenceEngine {
  const scripted = new ScriptedEngine(byteTokenizer, script);
  return {
    generate: (tokens, sampling, signal) =>
      scripted.calls.length < script.length
        ? scripted.generate(tokens, sampling, signal)
        : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  };
}

describe('an episode ends with', () => {
  it('terminated when the environment says so, even if every budget is spent by then', async () => {
    const config = { maxTurns: 1, maxResponseTokens: 4, maxContext: PROMPT + 4 };
    const trajectory = await playScored({ script: ['yes'], config });
    expect(trajectory).toMatchObject({ stopReason: 'terminated', reward: { value: 2, parts: { correct: 1 } } });
  });

  it('max_turns after the last turn, whose calls still run', async () => {
    const trajectory = await playScored({ definition: generous, script: [call, call, call], config: { maxTurns: 2 } });
    expect(trajectory).toMatchObject({ stopReason: 'max_turns', reward: { value: 0.5, parts: { silent: 1 } } });
    expect(trajectory.turns.map(({ toolCalls }) => toolCalls.length)).toEqual([1, 1]);
    expect(trajectory.turns[1]?.observation).toBeUndefined();
    expect(trajectory.messages.at(-1)).toEqual({ role: 'tool', name: 'echo', content: 'hi' });
  });

  it('max_response_tokens in the middle of a turn', async () => {
    const trajectory = await playScored({
      definition: generous,
      script: ['yes and no'],
      config: { maxResponseTokens: 5 },
    });
    expect(trajectory).toMatchObject({
      stopReason: 'max_response_tokens',
      reward: { value: 0.5, parts: { silent: 1 } },
    });
    expect(trajectory.metrics.response_tokens).toBe(5);
    expect(trajectory.messages.at(-1)).toEqual({ role: 'assistant', content: 'yes a' });
  });

  it('max_response_tokens between turns when a whole turn used the last token', async () => {
    const config = { maxResponseTokens: call.length + 1 };
    const trajectory = await playScored({ definition: generous, script: [call], config });
    expect(trajectory).toMatchObject({ stopReason: 'max_response_tokens', turns: [{ toolCalls: [{ name: 'echo' }] }] });
  });

  it('max_context in the middle of a turn', async () => {
    const trajectory = await playScored({
      definition: generous,
      script: ['yes and no'],
      config: { maxContext: PROMPT + 6 },
    });
    expect(trajectory).toMatchObject({ stopReason: 'max_context', reward: { value: 0.5 } });
    expect(trajectory.sequences[0]?.tokens).toHaveLength(PROMPT + 6);
  });

  it('max_context when the answer of the environment would not fit, and then without it', async () => {
    const config = { maxContext: PROMPT + call.length + 20 };
    const trajectory = await playScored({ definition: generous, script: [call, 'yes'], config });
    expect(trajectory).toMatchObject({ stopReason: 'max_context', turns: [{ toolCalls: [{ name: 'echo' }] }] });
    expect(trajectory.sequences[0]?.tokens).toHaveLength(PROMPT + call.length + 1);
  });

  it('max_context when the answer would leave no room to sample, and not when it leaves one token', async () => {
    const answer = renderer.append([{ role: 'tool', name: 'echo', content: 'hi' }]).length;
    const full = PROMPT + call.length + 1 + answer;
    const turns = async (maxContext: number) =>
      (await playScored({ definition: generous, script: [call, 'yes'], config: { maxContext } })).turns.length;
    expect([await turns(full), await turns(full + 1)]).toEqual([1, 2]);
  });

  it('deadline when time runs out after a turn, and is scored', async () => {
    const options = { definition: generous, engine: stalling([call]), config: { episodeDeadlineMs: 100 } };
    expect(await playScored(options)).toMatchObject({ stopReason: 'deadline', reward: { value: 0.5 }, turns: [{}] });
  });

  it('a failure when time runs out before the first turn: there is nothing to judge', async () => {
    const outcome = await play({ engine: stalling([]), config: { episodeDeadlineMs: 100 } });
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'deadline', retryable: true } });
  });

  it('a failure when the prompt alone fills the context', async () => {
    const outcome = await play({ script: ['yes'], config: { maxContext: PROMPT } });
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'prompt_too_long', retryable: false } });
    expect(await playScored({ script: ['yes'], config: { maxContext: PROMPT + 1 } })).toMatchObject({
      stopReason: 'max_context',
    });
  });
});

describe('a turn cut by maxTurnTokens', () => {
  it('is closed with a token that was not sampled, and the episode goes on', async () => {
    const trajectory = await playScored({ script: ['well, well, well', 'yes'], config: { maxTurnTokens: 6 } });
    const { tokens, mask } = trajectory.sequences[0]!;
    const observation = trajectory.turns[0]!.observation!;
    expect(byteTokenizer.decode(tokens.slice(observation.start, observation.start + 3))).toBe(
      '<|im_end|>\n<|im_start|>',
    );
    expect(mask[observation.start]).toBe(0);
    expect(trajectory).toMatchObject({ stopReason: 'terminated', reward: { value: 2 } });
  });

  it('never asks the engine for more than the smallest budget leaves', async () => {
    const engine = new ScriptedEngine(byteTokenizer, ['123456', '123456', '123456', '123456']);
    await playScored({ engine, config: { maxTurnTokens: 4, maxResponseTokens: 10 } });
    expect(engine.calls.map(({ sampling }) => sampling.maxTokens)).toEqual([4, 4, 2]);
  });

  it('has its unfinished call answered', async () => {
    const trajectory = await playScored({ script: [call, 'yes'], config: { maxTurnTokens: 20 } });
    expect(trajectory.turns[0]?.toolCalls).toMatchObject([{ error: 'unparsable' }]);
    expect(trajectory.messages[2]).toMatchObject({ role: 'tool', content: expect.stringContaining('never closed') });
  });
});
