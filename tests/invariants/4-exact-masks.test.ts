import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../core/tensor/backend.js';
import type { Generation, InferenceEngine, Trajectory } from '../../core/types.js';
import { detectedBackend } from '../helpers/backend.js';
import { experienceOf } from '../helpers/experience.js';
import { never } from '../helpers/tiny-policy.js';
import { collectTiny, openTinyHouse } from '../helpers/tiny-run.js';

interface Call {
  readonly tokens: readonly number[];
  readonly generation: Generation;
}

/** Hands calls on and keeps what went in and came out. */
function recording(engine: InferenceEngine, calls: Call[]): InferenceEngine {
  return {
    async generate(tokens, ...rest) {
      const generation = await engine.generate(tokens, ...rest);
      calls.push({ tokens, generation });
      return generation;
    },
  };
}

async function collectRecorded(): Promise<{ calls: Call[]; trajectories: Trajectory[] }> {
  const calls: Call[] = [];
  const trajectories: Trajectory[] = [];
  await using house = openTinyHouse({ deps: (engine) => ({ engine: recording(engine, calls) }) });
  for await (const { outcomes } of collectTiny(house, { step: 1, firstTask: 0, count: 2 }, never)) {
    for (const outcome of outcomes) if (outcome.status === 'scored') trajectories.push(outcome.trajectory);
  }
  return { calls, trajectories };
}

describe('episodes of a real policy', () => {
  let recorded: Awaited<ReturnType<typeof collectRecorded>>;

  beforeAll(async () => {
    await useBackend(detectedBackend);
    recorded = await collectRecorded();
  });

  it('have two turns with an observation between', () => {
    expect(recorded.trajectories).toHaveLength(6);
    for (const { turns } of recorded.trajectories) expect(turns).toMatchObject([{ observation: {} }, {}]);
  });

  it('hold under mask 1 exactly what was sampled, bit for bit, and nothing else', () => {
    for (const { turns, sequences } of recorded.trajectories) {
      const { tokens, mask, logprobs, versions } = sequences[0]!;
      const covered = mask.map(() => 0);
      for (const { action } of turns) {
        const upToEnd = tokens.slice(0, action.end).join();
        const call = recorded.calls.find(
          ({ tokens: seen, generation }) => [...seen, ...generation.tokens].join() === upToEnd,
        );
        expect(call?.tokens).toEqual(tokens.slice(0, action.start));
        expect(logprobs.slice(action.start, action.end)).toEqual(call?.generation.logprobs);
        expect(versions.slice(action.start, action.end)).toEqual(call?.generation.versions);
        covered.fill(1, action.start, action.end);
      }
      expect(mask).toEqual(covered);
    }
  });

  it('concatenate to exactly what the engine saw, in every call', () => {
    expect(recorded.calls).toHaveLength(12);
    const prefixes = recorded.trajectories.flatMap(({ turns, sequences }) =>
      turns.map(({ action }) => sequences[0]!.tokens.slice(0, action.start).join()),
    );
    expect(recorded.calls.map(({ tokens }) => tokens.join()).sort()).toEqual(prefixes.sort());
  });

  it('reach the trainer unchanged, with advantages under mask 1 only', async () => {
    const outcomes = recorded.trajectories.map((trajectory) => ({ status: 'scored', trajectory }) as const);
    const groups = [{ task: { id: 'all', dataSource: 'babble', data: 0 }, outcomes }];
    const { sequences: trained } = await experienceOf(groups);
    expect(trained).toHaveLength(6);
    for (const [i, { tokens, mask, logprobs, advantages }] of trained.entries()) {
      expect({ tokens, mask, logprobs }).toMatchObject(pick(recorded.trajectories[i]!));
      expect(advantages.every((advantage, t) => mask[t] === 1 || advantage === 0)).toBe(true);
    }
  });
});

function pick({ sequences }: Trajectory): object {
  const { tokens, mask, logprobs } = sequences[0]!;
  return { tokens, mask, logprobs };
}
