import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.js';
import type { Message } from '../../core/types.js';
import { frozenLake } from '../../envs/frozen-lake.js';
import { destination, MOVES, parseLake, stepsToGoal } from '../../envs/frozen-lake-map.js';
import { teacherEngine } from '../../rollout/engines/teacher.js';
import { rollout } from '../../rollout/rollout.js';
import { never, renderer, request } from '../rollout/episode-fixture.js';

/** The steps of the teacher's episode, 0 where it failed, and those of the shortest way. */
async function lesson(index: number, settings: object): Promise<{ taken: number; shortest: number }> {
  const options = frozenLake.options.parse(settings);
  const task = frozenLake.task(options, 'train', index, 1);
  const env = frozenLake.create(options, []);
  const played = teacherEngine({ definition: frozenLake, options, env, task, renderer, seed: index });
  const outcome = await rollout(
    { ...request({ definition: frozenLake, config: { maxTurns: 20 } }), task, ...played },
    never,
  );
  if (outcome.status !== 'scored') throw new Error(JSON.stringify(outcome));
  const { reward, messages } = outcome.trajectory;
  const lake = parseLake(messages.find(({ role }) => role === 'user')?.content ?? '');
  const taken = reward.parts.correct === 1 ? (reward.parts.steps ?? 0) : 0;
  return { taken, shortest: stepsToGoal(lake)[lake.position] ?? 0 };
}

function say(grid: string, seed: number, settings: object): string {
  const messages: Message[] = [
    { role: 'user', content: 'P_\n_G' },
    { role: 'assistant', content: 'X' },
    { role: 'user', content: `Answer U, D, L or R.\n${grid}` },
  ];
  const options = frozenLake.options.parse({ size: 3, ...settings });
  const task = { id: 't', dataSource: 'frozen_lake', data: null };
  return frozenLake.demonstrate?.(options, { task, messages, rng: new Rng(seed) }).content ?? '';
}

describe('the teacher of frozen_lake', () => {
  it('without errors takes a shortest way, with every option', async () => {
    const teacher = { errorRate: 0 };
    for (const settings of [{}, { movesPerTurn: 3 }, { moves: 'words' }, { instructions: true, density: 0.7 }]) {
      for (let index = 0; index < 20; index++) {
        const { taken, shortest } = await lesson(index, { ...settings, teacher });
        expect(taken).toBe(shortest);
      }
    }
  });

  it('errs at its rate: a mistake brings nobody nearer', () => {
    const grid = '_P_\n___\nO_G';
    const lake = parseLake(grid);
    const steps = stepsToGoal(lake);
    const said = Array.from({ length: 4000 }, (_, seed) => say(grid, seed, { teacher: { errorRate: 0.3 } }));
    const nearer = said.filter((letter) => {
      const move = MOVES.find((each) => each.startsWith(letter)) ?? 'Up';
      return (steps[destination(lake, lake.position, move)] ?? 0) < (steps[lake.position] ?? 0);
    });
    expect(1 - nearer.length / said.length).toBeCloseTo(0.3, 1);
    expect(new Set(said)).toEqual(new Set(['U', 'D', 'L', 'R']));
  });

  it('reaches the goal often, not always, with the errors it makes by default', async () => {
    const lessons = await Promise.all(Array.from({ length: 200 }, (_, index) => lesson(index, {})));
    const share = lessons.filter(({ taken }) => taken > 0).length / lessons.length;
    expect(share).toBeGreaterThan(0.6);
    expect(share).toBeLessThan(0.95);
  });

  it('says several moves at once where that is allowed, and stops at the goal', () => {
    const settings = { movesPerTurn: 5, teacher: { errorRate: 0 } };
    expect(say('P_G\nOO_\n___', 1, settings)).toBe('RR');
    expect(say('P_G\nOO_\n___', 1, { ...settings, moves: 'words' })).toBe('Right Right');
  });
});
