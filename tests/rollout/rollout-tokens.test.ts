import { describe, expect, it } from 'vitest';
import { rngKey } from '../../core/rng.js';
import { byteTokenizer } from '../../core/text/byte-tokenizer.js';
import type { Generation, InferenceEngine } from '../../core/types.js';
import { ScriptedEngine } from '../../rollout/engines/scripted.js';
import { callText, playScored, renderer } from './episode-fixture.js';

const SCRIPT = [
  callText('echo', { text: 'one' }),
  `${callText('echo', { text: 'two' })} and ${callText('nope', {})}`,
  'yes',
];

/** Hands calls on and keeps what came back. */
function recording(engine: InferenceEngine, generations: Generation[]): InferenceEngine {
  return {
    async generate(...args) {
      const generation = await engine.generate(...args);
      generations.push(generation);
      return generation;
    },
  };
}

async function playRecorded() {
  const scripted = new ScriptedEngine(byteTokenizer, SCRIPT, { version: 3 });
  const generations: Generation[] = [];
  const trajectory = await playScored({
    engine: recording(scripted, generations),
    config: { maxContext: 4096, maxResponseTokens: 1000, maxTurnTokens: 1000 },
  });
  return { trajectory, sequence: trajectory.sequences[0]!, generations, calls: scripted.calls };
}

describe('the tokens of an episode', () => {
  it('with mask 1 are exactly what the engine returned, with its log-probs and versions', async () => {
    const { sequence, generations } = await playRecorded();
    const sampled = <T>(column: readonly T[]): T[] => column.filter((_, i) => sequence.mask[i] === 1);
    expect(sampled(sequence.tokens)).toEqual(generations.flatMap(({ tokens }) => tokens));
    expect(sampled(sequence.logprobs)).toEqual(generations.flatMap(({ logprobs }) => logprobs));
    expect(sampled(sequence.versions)).toEqual(generations.flatMap(({ versions }) => versions));
    expect(new Set(sampled(sequence.versions))).toEqual(new Set([3]));
  });

  it('with mask 0 have log-prob 0 and version -1', async () => {
    const { sequence } = await playRecorded();
    const observed = <T>(column: readonly T[]): Set<T> => new Set(column.filter((_, i) => sequence.mask[i] === 0));
    expect(observed(sequence.logprobs)).toEqual(new Set([0]));
    expect(observed(sequence.versions)).toEqual(new Set([-1]));
  });

  it('drawn from a cut distribution keep the log-probs over what was left, 0 where nothing was sampled', async () => {
    const scripted = new ScriptedEngine(byteTokenizer, SCRIPT);
    const cut: InferenceEngine = {
      async generate(...args) {
        const generation = await scripted.generate(...args);
        return { ...generation, samplingLogprobs: generation.logprobs.map((logprob) => logprob / 2) };
      },
    };
    const { sequences } = await playScored({
      engine: cut,
      config: { maxContext: 4096, maxResponseTokens: 1000, topP: 0.9 },
    });
    expect(scripted.calls.map(({ sampling }) => [sampling.topK, sampling.topP])).toEqual(
      SCRIPT.map(() => [undefined, 0.9]),
    );
    expect(sequences[0]!.samplingLogprobs).toEqual(sequences[0]!.logprobs.map((logprob) => logprob / 2));
    expect((await playRecorded()).sequence).not.toHaveProperty('samplingLogprobs');
  });

  it('up to each turn are exactly what the engine saw at that call', async () => {
    const { trajectory, sequence, calls } = await playRecorded();
    expect(calls).toHaveLength(3);
    const starts = trajectory.turns.map(({ action }) => action.start);
    expect(calls.map(({ tokens }) => tokens)).toEqual(starts.map((start) => sequence.tokens.slice(0, start)));
  });

  it('are the prompt and then turns whose spans follow each other without a gap', async () => {
    const { trajectory, sequence } = await playRecorded();
    let position = renderer.start([{ role: 'user', content: 'yes or no?' }], []).length;
    for (const { action, observation } of trajectory.turns) {
      expect(action.start).toBe(position);
      expect(new Set(sequence.mask.slice(action.start, action.end))).toEqual(new Set([1]));
      position = observation?.end ?? action.end;
      if (observation) expect(new Set(sequence.mask.slice(observation.start, observation.end))).toEqual(new Set([0]));
    }
    expect(position).toBe(sequence.tokens.length);
  });

  it('read as one ChatML conversation, newline after each turn included', async () => {
    const { sequence } = await playRecorded();
    expect(byteTokenizer.decode(sequence.tokens)).toBe(
      `<|im_start|>user\nyes or no?<|im_end|>\n<|im_start|>assistant\n${SCRIPT[0]}<|im_end|>\n` +
        '<|im_start|>user\n<tool_response>\none\n</tool_response><|im_end|>\n' +
        `<|im_start|>assistant\n${SCRIPT[1]}<|im_end|>\n<|im_start|>user\n<tool_response>\ntwo\n</tool_response>\n` +
        "<tool_response>\nUnknown tool 'nope'. Available tools: echo.\n</tool_response><|im_end|>\n" +
        '<|im_start|>assistant\nyes<|im_end|>',
    );
  });

  it('are sampled with a seed of their own for each turn', async () => {
    const { calls } = await playRecorded();
    expect(calls.map(({ sampling }) => sampling.seed)).toEqual([0, 1, 2].map((turn) => rngKey(7, 'turn', turn)));
  });

  it('are the same again for an equal seed', async () => {
    const sequences = [await playRecorded(), await playRecorded()].map(({ trajectory }) => trajectory.sequences);
    expect(sequences[0]).toEqual(sequences[1]);
  });
});

describe('the metrics of an episode', () => {
  it('count turns as verl does, calls, errors and sampled tokens', async () => {
    const { trajectory, generations } = await playRecorded();
    expect(trajectory.metrics).toMatchObject({
      num_turns: 6,
      tool_call_counts: 3,
      tool_errors: 1,
      response_tokens: generations.flatMap(({ tokens }) => tokens).length,
      generate_s: 0,
    });
    expect(trajectory.metrics.tool_s).toBeGreaterThan(0);
  });

  it('count two turns for a question and its answer', async () => {
    const { metrics } = await playScored({ script: ['yes'] });
    expect(metrics).toEqual({
      num_turns: 2,
      tool_call_counts: 0,
      tool_errors: 0,
      tool_s: 0,
      generate_s: 0,
      response_tokens: 4,
    });
  });
});
