import { describe, expect, it } from 'vitest';
import { rolloutConfig, validationSampling } from '../../rollout/config.js';

describe('rolloutConfig', () => {
  it('has a default for everything', () => {
    expect(rolloutConfig.parse({})).toEqual({
      n: 8,
      temperature: 1,
      topK: 0,
      topP: 1,
      minP: 0,
      valKwargs: { n: 1, temperature: null, topK: null, topP: null, minP: null },
      maxTurns: 4,
      maxResponseTokens: 256,
      maxTurnTokens: 128,
      maxContext: 1024,
      maxToolCalls: 4,
      episodeDeadlineMs: 60_000,
      showTools: false,
    });
  });

  it.each([
    { n: 0 },
    { temperature: -1 },
    { temperature: Number.NaN },
    { maxTurns: 1.5 },
    { maxResponseTokens: 0 },
    { maxTurnTokens: 0 },
    { maxContext: 0 },
    { maxToolCalls: 0 },
    { episodeDeadlineMs: 0 },
    { showTools: 'yes' },
    { max_turns: 3 },
  ])('refuses %j', (input) => {
    expect(rolloutConfig.safeParse(input).success).toBe(false);
  });

  it('describes every key', () => {
    expect(Object.values(rolloutConfig.shape).filter((field) => !field.description)).toEqual([]);
  });
});

describe('validationSampling', () => {
  it('is what the config sets apart for evaluations and nothing else', () => {
    const valKwargs = { n: 4, temperature: 0.6, topK: null, topP: 1, minP: null };
    expect(validationSampling(rolloutConfig.parse({ valKwargs }))).toEqual({ temperature: 0.6, topP: 1 });
    expect(validationSampling(rolloutConfig.parse({ temperature: 0.5, topK: 3 }))).toEqual({});
  });
});
