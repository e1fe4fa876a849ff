import { describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../core/errors.js';
import { byteTokenizer } from '../../core/text/byte-tokenizer.js';
import { defineEnv } from '../../envs/define-env.js';
import { rolloutConfig } from '../../rollout/config.js';
import { ScriptedEngine, type ScriptedTurn } from '../../rollout/engines/scripted.js';
import { type EpisodePayload, episodeHandler, parseOutcome } from '../../rollout/episode-job.js';
import { callText, echo, never, noSandbox, question, renderer } from './episode-fixture.js';

const payload: EpisodePayload = {
  task: question.task({}, 'train', 0, 1),
  split: 'train',
  step: 3,
  member: 1,
  seed: 11,
  policy: 'model',
};
const context = (signal = never) => ({ id: 'job', attempt: 1, signal });

/** Each turn with a call costs a half. */
const wages = defineEnv({
  name: 'wages',
  tools: [echo],
  task: () => ({ data: null }),
  prompt: () => 'yes or no?',
  rewards: { correct: { weight: 1, score: ({ answer }) => (answer === 'yes' ? 1 : 0) } },
  step: async ({ toolCalls }, { answerCalls }) =>
    toolCalls.length > 0
      ? { ...(await answerCalls()), terminated: false, reward: -0.5 }
      : { messages: [], toolCalls: [], terminated: true },
});

function worker(script: ScriptedTurn[], definition = question) {
  const engine = new ScriptedEngine(byteTokenizer, script);
  const common = { definition, options: {}, tools: definition.defaultTools, sandboxProvider: noSandbox };
  return { engine, handle: episodeHandler({ ...common, engine, renderer, config: rolloutConfig.parse({}) }) };
}

describe('an episode job', () => {
  it('returns a scored outcome that survives the way through JSON unchanged', async () => {
    const result = await worker([callText('echo', { text: 'hi' }), 'yes']).handle(payload, context());
    const outcome = parseOutcome(JSON.parse(JSON.stringify(result)));
    expect(outcome).toEqual(result);
    expect(outcome).toMatchObject({
      status: 'scored',
      trajectory: { taskId: 'question-train-0', reward: { value: 2 } },
    });
  });

  it('carries what each turn earned and what was answered', async () => {
    const result = await worker([callText('echo', { text: 'hi' }), 'yes'], wages).handle(payload, context());
    const outcome = parseOutcome(JSON.parse(JSON.stringify(result)));
    if (outcome.status !== 'scored') throw new Error(JSON.stringify(outcome));
    const { turns, reward } = outcome.trajectory;
    expect(turns.map((turn) => turn.reward)).toEqual([-0.5, undefined]);
    expect(reward).toEqual({ value: 0.5, parts: { correct: 1, turn_rewards: -0.5 }, pred: 'yes' });
  });

  it('throws a failure worth another attempt, so that the fabric makes it', async () => {
    const death = new InfrastructureError('engine_gone', 'reset', { retryable: true });
    await expect(worker([death]).handle(payload, context())).rejects.toMatchObject({
      code: 'engine_gone',
      retryable: true,
    });
  });

  it('returns a failure that no retry would mend', async () => {
    const failure = new InfrastructureError('engine_failed', 'no', { retryable: false });
    expect(await worker([failure]).handle(payload, context())).toEqual({
      status: 'failed',
      error: failure.toFailure(),
    });
  });

  it('throws the reason of its signal when cancelled', async () => {
    const cancelled = worker(['yes']).handle(payload, context(AbortSignal.abort(new Error('lease lost'))));
    await expect(cancelled).rejects.toThrow('lease lost');
  });

  it('samples at the temperature of the payload, else at that of the config', async () => {
    const { engine, handle } = worker(['yes', 'yes']);
    await handle({ ...payload, temperature: 0 }, context());
    await handle(payload, context());
    expect(engine.calls.map(({ sampling }) => sampling.temperature)).toEqual([0, 1]);
  });

  it('lets the teacher speak when told so', async () => {
    const result = await worker([]).handle({ ...payload, policy: 'teacher' }, context());
    expect(result).toMatchObject({ status: 'failed', error: { code: 'no_teacher' } });
  });

  it('refuses a payload that is none', async () => {
    await expect(worker([]).handle({ ...payload, sed: 1 }, context())).rejects.toThrow('sed');
  });
});

describe('parseOutcome', () => {
  it.each<[string, (sequence: { mask: number[]; logprobs: number[] }) => void]>([
    ['columns of different length', ({ logprobs }) => logprobs.pop()],
    ['a mask that is neither 0 nor 1', ({ mask }) => mask.fill(2)],
  ])('refuses %s', async (_claim, spoil) => {
    const result = JSON.parse(JSON.stringify(await worker(['yes']).handle(payload, context())));
    spoil(result.trajectory.sequences[0]);
    expect(() => parseOutcome(result)).toThrow(expect.objectContaining({ code: 'bad_result' }));
  });
});
