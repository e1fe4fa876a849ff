import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kinds, runConfigSchema } from '../../cli/run-config.js';
import { TrainingGroups } from '../../cli/training-groups.js';
import { parseConfig } from '../../core/config.js';
import { setLogSink } from '../../core/log.js';
import { byteTextFiles } from '../../core/text/byte-text-files.js';
import type { Outcome, TrajectoryGroup } from '../../core/types.js';
import { chatLanguage } from '../../rollout/chat-language.js';
import { EPISODE_JOB, type EpisodePayload, episodePayload } from '../../rollout/episode-job.js';
import { InProcessFabric } from '../../rollout/fabric/in-process.js';
import { sumEnv } from '../helpers/cli.js';
import { never } from '../helpers/tiny-policy.js';
import { exampleTrajectory } from '../helpers/trajectories.js';

let fabric: InProcessFabric;
let played: Pick<EpisodePayload, 'policy' | 'sampling' | 'task'>[];
/** Reward of an episode; undefined fails it. */
let play: (payload: EpisodePayload) => number | undefined;

beforeEach(() => {
  fabric = new InProcessFabric({ backoffMs: 1 });
  played = [];
  setLogSink(() => {});
  play = () => 1;
  fabric.work(EPISODE_JOB, async (payload) => asJson(outcomeOf(episodePayload.parse(payload))), {
    concurrency: 4,
  });
});
afterEach(async () => {
  setLogSink();
  await fabric[Symbol.asyncDispose]();
});

function outcomeOf(payload: EpisodePayload): Outcome {
  played.push(payload);
  const value = play(payload);
  if (value === undefined) {
    return { status: 'failed', error: { code: 'gone', message: 'gone', retryable: false } };
  }
  return { status: 'scored', trajectory: exampleTrajectory({ taskId: payload.task.id, reward: { value, parts: {} } }) };
}

function asJson(outcome: Outcome) {
  return JSON.parse(JSON.stringify(outcome));
}

const language = chatLanguage(byteTextFiles, { showTools: false });

function open(algorithm: object = {}, nextTask = 0): TrainingGroups {
  const given = { env: { name: 'sum' }, data: { trainBatchSize: 2 }, rollout: { n: 2 }, algorithm };
  const schema = runConfigSchema({ envs: [sumEnv], tools: [] });
  const config = parseConfig(schema, given, { source: 'run.yaml', kinds });
  const { name: _, ...envOptions } = config.env;
  return new TrainingGroups(
    { house: { fabric }, run: { config, env: sumEnv, envOptions, tools: [], language }, runId: 'r' },
    nextTask,
  );
}

async function collected(groups: TrainingGroups, step: number, round = 0): Promise<TrajectoryGroup[]> {
  const all: TrajectoryGroup[] = [];
  for await (const group of groups.collect({ step, version: 0, round }, never)) all.push(group);
  return all;
}

const taskIds = (groups: readonly TrajectoryGroup[]): string[] => groups.map(({ task }) => task.id);

describe('the data position', () => {
  it('grows by the tasks of each round, and no task comes twice', async () => {
    const groups = open();
    const rounds = [await collected(groups, 1), await collected(groups, 1, 1), await collected(groups, 2)];
    expect(new Set(rounds.flatMap(taskIds)).size).toBe(6);
    expect(groups.nextTaskAfter(2)).toBe(6);
  });

  it('after a step that is not finished is where that step began, all its rounds undone', async () => {
    const groups = open({}, 10);
    await collected(groups, 1);
    await collected(groups, 2);
    await collected(groups, 2, 1);
    expect(groups.nextTaskAfter(1)).toBe(12);
    expect(groups.nextTaskAfter(2)).toBe(16);
  });

  it('after a collection that was left half way is where it began', async () => {
    const groups = open();
    await collected(groups, 1);
    for await (const _ of groups.collect({ step: 2, version: 0, round: 0 }, never)) break;
    expect(groups.nextTaskAfter(1)).toBe(2);
  });

  it('is a checkpoint’s when that is taken up, and the tasks after it are the same', async () => {
    const [straight, resumed] = [open(), open()];
    await collected(straight, 1);
    const expected = taskIds(await collected(straight, 2));
    resumed.takeUp({ step: 1, nextTask: straight.nextTaskAfter(1) });
    expect(resumed.nextTaskAfter(1)).toBe(2);
    expect(taskIds(await collected(resumed, 2))).toEqual(expected);
  });
});

describe('beside the policy’s episodes', () => {
  it('one greedy episode a task gives its reward, where the estimator asks for it', async () => {
    play = ({ sampling }) => (sampling?.temperature === 0 ? 0.25 : 1);
    const groups = await collected(open({ advEstimator: { name: 'remax' } }), 1);
    expect(groups.map(({ greedyReward, outcomes }) => [greedyReward, outcomes.length])).toEqual([
      [0.25, 2],
      [0.25, 2],
    ]);
    expect(played.filter(({ sampling }) => sampling?.temperature === 0)).toHaveLength(2);
  });

  it('a greedy episode that fails takes its group along, not the others', async () => {
    let greedy = 0;
    play = ({ sampling }) => (sampling?.temperature === 0 && greedy++ === 0 ? undefined : 1);
    const groups = await collected(open({ advEstimator: { name: 'remax' } }), 1);
    expect(groups.map(({ outcomes }) => outcomes.map(({ status }) => status)).sort()).toEqual([
      ['failed', 'failed'],
      ['scored', 'scored'],
    ]);
  });

  it('the teacher’s episodes join their group, marked as not the policy’s', async () => {
    const groups = await collected(open({ offPolicyN: 1 }), 1);
    const marks = groups.map(({ outcomes }) =>
      outcomes.map((outcome) => outcome.status === 'scored' && outcome.trajectory.isOffPolicy === true),
    );
    expect(marks).toEqual([
      [false, false, true],
      [false, false, true],
    ]);
    expect(played.filter(({ policy }) => policy === 'teacher')).toHaveLength(2);
  });
});
