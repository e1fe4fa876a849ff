import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import type { Action, Reward, Task } from '../../core/types.js';
import type { Split, StepResult } from '../../envs/environment.js';
import { frozenLake } from '../../envs/frozen-lake.js';
import { parseLake, stepsToGoal } from '../../envs/frozen-lake-map.js';
import { never, noSandbox } from '../rollout/episode-fixture.js';

const context = { signal: never, sandbox: () => noSandbox.create(never) };
const straight = lake('P_G\n___\n___');

function lake(grid: string): Task {
  return { id: 't', dataSource: 'frozen_lake', data: { grid, slideKey: 7 } };
}

function gridOf(task: Task): string {
  return (task.data as { grid: string }).grid;
}

function grids(split: Split, count: number, settings: object = {}, seed = 1): string[] {
  const options = frozenLake.options.parse(settings);
  return Array.from({ length: count }, (_, i) => gridOf(frozenLake.task(options, split, i, seed)));
}

/** What each answer is met with, and the reward at the end. */
async function walk(
  answers: readonly (string | Partial<Action>)[],
  settings: object = {},
  task = straight,
): Promise<{ results: StepResult[]; reward: Reward }> {
  const env = frozenLake.create(frozenLake.options.parse({ size: 3, ...settings }), []);
  await env.reset(task, context);
  const results: StepResult[] = [];
  for (const answer of answers) {
    const said = typeof answer === 'string' ? { content: answer } : answer;
    results.push(await env.step({ content: '', toolCalls: [], parseErrors: [], isComplete: true, ...said }, context));
  }
  const episode = { task, messages: [], answer: 'R', stopReason: 'terminated' as const };
  return { results, reward: await env.score(episode, context) };
}

const shown = (result: StepResult | undefined): string | undefined => result?.messages[0]?.content;

describe('the tasks of frozen_lake', () => {
  it.each([{}, { density: 0.6 }, { ends: 'corners' }, { size: 8, density: 0.8, maxSteps: 20 }, { maxSteps: 3 }])(
    'have a goal that can be reached in time, with %j',
    (settings) => {
      const { maxSteps } = frozenLake.options.parse(settings) as { maxSteps: number };
      for (const split of ['train', 'eval'] as const) {
        for (const grid of grids(split, 100, settings)) {
          const { tiles, position } = parseLake(grid);
          const steps = stepsToGoal(parseLake(grid))[position] ?? Infinity;
          expect(steps).toBeGreaterThan(0);
          expect(steps).toBeLessThanOrEqual(maxSteps);
          expect(tiles).toMatch(/^[_OG]+$/);
        }
      }
    },
  );

  it('are a pure function of options, seed, split and index', () => {
    const options = frozenLake.options.parse({});
    const task = frozenLake.task(options, 'train', 5, 1);
    expect(task).toMatchObject({ id: 'frozen_lake-train-5', dataSource: 'frozen_lake' });
    for (const split of ['train', 'eval'] as const) {
      expect(grids(split, 30)).toEqual(grids(split, 30));
      expect(grids(split, 30)).not.toEqual(grids(split, 30, {}, 2));
    }
  });

  it('of train and eval share no lake, wherever the player stands', () => {
    const evalGrids = grids('eval', 300);
    const frozen = new Set(evalGrids.map((grid) => grid.replace('P', '_')));
    expect(new Set(evalGrids).size).toBeGreaterThan(200);
    for (const seed of [1, 2]) {
      expect(grids('train', 500, {}, seed).filter((grid) => frozen.has(grid.replace('P', '_')))).toEqual([]);
    }
  });

  it('are refused with a remedy where the options leave none', () => {
    const full = frozenLake.options.parse({ size: 2, density: 1, ends: 'corners' });
    expect(() => frozenLake.task(full, 'eval', 0, 1)).toThrow(ConfigError);
    expect(() => frozenLake.task(full, 'eval', 0, 1)).toThrow('raise env.size');
  });

  it('of both splits have about as many holes', () => {
    const holes = (split: Split) => grids(split, 400).join('').split('O').length / 400;
    expect(Math.abs(holes('train') - holes('eval'))).toBeLessThan(0.25);
  });
});

describe('a step on the frozen lake', () => {
  it('shows the lake again and ends at the goal with reward 1', async () => {
    const { results, reward } = await walk(['R', 'R']);
    expect(results).toEqual([
      { messages: [{ role: 'user', content: '_PG\n___\n___' }], toolCalls: [], terminated: false, reward: 0 },
      { messages: [], toolCalls: [], terminated: true, reward: 0 },
    ]);
    expect(reward).toEqual({ value: 1, parts: { correct: 1, steps: 2, invalid: 0, turn_rewards: 0 } });
  });

  it('into a hole ends the task without reward', async () => {
    const { results, reward } = await walk(['R'], {}, lake('PO_\n___\n__G'));
    expect(results[0]?.terminated).toBe(true);
    expect(reward.value).toBe(0);
  });

  it('beyond maxSteps does not happen', async () => {
    const { results, reward } = await walk(['LLLRR'], { maxSteps: 4, movesPerTurn: 5 });
    expect(results[0]?.terminated).toBe(true);
    expect(reward).toMatchObject({ value: 0, parts: { correct: 0, steps: 4 } });
  });

  it('looks the same from the same place, whatever was done before', async () => {
    const one = await walk(['D', 'U']);
    const other = await walk(['R', 'L', 'D', 'U', 'L']);
    expect(shown(one.results.at(-1))).toBe(gridOf(straight));
    expect(shown(other.results.at(-1))).toBe(gridOf(straight));
  });

  it('costs its penalty at once, and the total knows', async () => {
    const { results, reward } = await walk(['D', 'URR'], { stepPenalty: 0.125, movesPerTurn: 3 });
    expect(results.map((result) => result.reward)).toEqual([-0.125, -0.375]);
    expect(reward).toMatchObject({ value: 0.5, parts: { correct: 1, steps: 4, turn_rewards: -0.5 } });
  });

  it.each([
    ['letters', 'RR'],
    ['letters', 'r, r'],
    ['letters', '<think>L?</think><answer>R || R</answer>'],
    ['words', 'Right Right'],
    ['words', 'right || RIGHT'],
    ['words', 'I go <answer> Right, Right </answer>.'],
  ])('may be one of several, said in %s as %j', async (moves, answer) => {
    expect((await walk([answer], { moves, movesPerTurn: 2 })).reward.value).toBe(1);
  });
});

describe('an answer that is no move', () => {
  it.each<[string, string | Partial<Action>]>([
    ['nothing', ''],
    ['a word', 'Right'],
    ['a sentence', 'I go R'],
    ['two moves where one may be made', 'RR'],
    ['a cut turn', { content: 'R', isComplete: false }],
    ['only separators', ' ,| '],
    ['empty tags', 'R<answer></answer>'],
    ['an emoji', '➡️'],
  ])('(%s) is answered with what would be one, costs a little and moves nobody', async (_claim, answer) => {
    const { results, reward } = await walk([answer]);
    expect(shown(results[0])).toBe(`Answer U, D, L or R.\n${gridOf(straight)}`);
    expect(results[0]).toMatchObject({ terminated: false, reward: -0.1 });
    expect(reward).toMatchObject({ value: -0.1, parts: { steps: 0, invalid: 1 } });
  });

  it.each(['<answer>'.repeat(20_000), `R${' ,'.repeat(50_000)}x`, 'R'.repeat(100_000), '\u0000\ud800'.repeat(1000)])(
    'is met in no time however long it is (%#)',
    async (answer) => {
      const startedAt = performance.now();
      expect((await walk([answer], { movesPerTurn: 1000 })).reward.parts.invalid).toBe(1);
      expect(performance.now() - startedAt).toBeLessThan(200);
    },
  );

  it('but a tool call is answered as one, and the lake is shown again', async () => {
    const { results, reward } = await walk([{ toolCalls: [{ name: 'jump', arguments: {} }] }]);
    expect(results[0]?.messages.map(({ role }) => role)).toEqual(['tool', 'user']);
    expect(results[0]).toMatchObject({ terminated: false, toolCalls: [{ error: 'unknown_tool' }] });
    expect(reward.parts).toMatchObject({ steps: 0, invalid: 0 });
  });
});

describe('slippery ice', () => {
  const open = (slideKey: number): Task => ({
    ...straight,
    data: { grid: '____G\n_____\n__P__\n_____\n_____', slideKey },
  });
  const endOf = async (slideKey: number, answers: string[], successProbability = 0.8) => {
    const settings = { size: 5, isSlippery: true, successProbability };
    const { results } = await walk(answers, settings, open(slideKey));
    return parseLake(shown(results.at(-1)) ?? '').position;
  };

  it('lets a step slide to either side at its rate and never backwards', async () => {
    const ends = await Promise.all(Array.from({ length: 3000 }, (_, key) => endOf(key, ['U'])));
    const share = (position: number) => ends.filter((end) => end === position).length / ends.length;
    expect(share(7)).toBeCloseTo(0.8, 1);
    expect(share(11)).toBeCloseTo(0.1, 1);
    expect(share(13)).toBeCloseTo(0.1, 1);
    expect(share(7) + share(11) + share(13)).toBe(1);
  });

  it('answers the same moves on the same task in the same way', async () => {
    for (let key = 0; key < 20; key++) {
      expect(await endOf(key, ['D', 'L', 'D'], 0.4)).toBe(await endOf(key, ['D', 'L', 'D'], 0.4));
    }
  });
});

describe('the prompt of frozen_lake', () => {
  const prompt = async (settings: object) =>
    await frozenLake.create(frozenLake.options.parse(settings), []).reset(straight, context);

  it('is the lake and nothing else', async () => {
    expect(await prompt({})).toEqual([{ role: 'user', content: gridOf(straight) }]);
  });

  it('explains the game when asked to', async () => {
    const [system] = await prompt({ instructions: true, moves: 'words', movesPerTurn: 5, isSlippery: true });
    expect(system?.role).toBe('system');
    expect(system?.content).toContain('Answer Up, Down, Left or Right, at most 5.');
    expect(system?.content).toContain('slippery');
  });
});
