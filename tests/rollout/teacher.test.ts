import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxProvider, Trajectory } from '../../core/types.js';
import { arithmetic } from '../../envs/arithmetic.js';
import type { EnvDefinition } from '../../envs/environment.js';
import { rolloutConfig } from '../../rollout/config.js';
import { teacherEngine } from '../../rollout/engines/teacher.js';
import { rollout } from '../../rollout/rollout.js';
import { sandboxConfig } from '../../sandbox/config.js';
import { openSandboxProvider } from '../../sandbox/open-sandbox-provider.js';
import { never, question, renderer } from './episode-fixture.js';

let sandboxProvider: SandboxProvider;

beforeAll(async () => {
  sandboxProvider = (await openSandboxProvider(sandboxConfig.parse({ name: 'process' }), never)).provider;
});
afterAll(() => sandboxProvider[Symbol.asyncDispose]());

async function demonstrate(definition: EnvDefinition, settings: object, seed: number, maxTurnTokens = 128) {
  const options = definition.options.parse(settings);
  const task = definition.task(options, 'train', seed, 1);
  const env = definition.create(options, definition.defaultTools);
  const pair = teacherEngine({ definition, options, env, task, renderer, seed });
  const config = rolloutConfig.parse({ maxTurnTokens });
  return await rollout({ ...pair, task, renderer, config, seed, sandboxProvider, now: () => 0 }, never);
}

async function lesson(settings: object, seed: number): Promise<Trajectory> {
  const outcome = await demonstrate(arithmetic, settings, seed);
  if (outcome.status !== 'scored') throw new Error(JSON.stringify(outcome));
  return outcome.trajectory;
}

describe('a demonstration', () => {
  it('is an ordinary episode with the real output of the tool', async () => {
    const trajectory = await lesson({ teacher: { toolRate: 1, copyErrorRate: 0 } }, 3);
    expect(trajectory).toMatchObject({ stopReason: 'terminated', reward: { value: 1, parts: { used_tool: 1 } } });
    expect(trajectory.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant']);
    expect(trajectory.messages[3]?.content).toBe(trajectory.messages[2]?.content);
    expect(trajectory.metrics).toMatchObject({ num_turns: 4, tool_errors: 0 });
  });

  it('has log-prob 0 and version -1 throughout, and mask 1 on what the teacher said', async () => {
    const { sequences, turns } = await lesson({ teacher: { toolRate: 1 } }, 3);
    const { tokens, mask, logprobs, versions } = sequences[0]!;
    expect(new Set([...logprobs])).toEqual(new Set([0]));
    expect(new Set([...versions])).toEqual(new Set([-1]));
    const said = turns.reduce((sum, { action }) => sum + action.end - action.start, 0);
    expect(mask.filter((bit) => bit === 1)).toHaveLength(said);
    expect(turns.every(({ action }) => tokens[action.end - 1] === renderer.stopTokens[0])).toBe(true);
  });

  it('may be wrong: a guess is scored like any answer', async () => {
    expect(await lesson({ teacher: { toolRate: 0 } }, 1)).toMatchObject({
      stopReason: 'terminated',
      reward: { value: 0 },
    });
  });

  it('is the same again for an equal seed', async () => {
    const [one, two] = [await lesson({}, 5), await lesson({}, 5)];
    expect(one.sequences).toEqual(two.sequences);
  });

  it('is cut by the budgets as any turn', async () => {
    const outcome = await demonstrate(arithmetic, { teacher: { toolRate: 1 } }, 1, 10);
    expect(outcome).toMatchObject({
      status: 'scored',
      trajectory: { turns: [{ toolCalls: [{ error: 'unparsable' }] }, { toolCalls: [] }] },
    });
  });

  it('fails where the environment has no teacher', async () => {
    expect(await demonstrate(question, {}, 1)).toMatchObject({
      status: 'failed',
      error: { code: 'no_teacher', retryable: false },
    });
  });
});
