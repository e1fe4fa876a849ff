import { describe, expect, it } from 'vitest';
import { byteTokenizer } from '../../core/text/byte-tokenizer.js';
import { ScriptedEngine, type ScriptedTurn } from '../../rollout/engines/scripted.js';
import { never } from './episode-fixture.js';

const END = byteTokenizer.special('<|im_end|>');
const sampling = { temperature: 1, maxTokens: 5, stopTokens: [END], seed: 1 };
const engine = (...script: ScriptedTurn[]): ScriptedEngine => new ScriptedEngine(byteTokenizer, script, { version: 4 });

describe('ScriptedEngine', () => {
  it('says a text and ends the turn', async () => {
    expect(await engine('AB').generate([1], sampling, never)).toEqual({
      tokens: [65, 66, END],
      logprobs: [-1, -1 / 2, -1 / 3],
      versions: [4, 4, 4],
      finishReason: 'stop',
    });
  });

  it('cuts a turn at maxTokens and after the first stop token', async () => {
    const scripted = engine('ABCDEFG', [65, END, 66], 'ABCDE', 'ABCD');
    const next = async () => {
      const { tokens, finishReason } = await scripted.generate([1], sampling, never);
      return [tokens.length, finishReason];
    };
    expect([await next(), await next(), await next(), await next()]).toEqual([
      [5, 'length'],
      [2, 'stop'],
      [5, 'length'],
      [5, 'stop'],
    ]);
  });

  it('throws the error that the script has in a turn, and one of its own after the last', async () => {
    const scripted = engine(new TypeError('oops'));
    await expect(scripted.generate([1], sampling, never)).rejects.toThrow('oops');
    await expect(scripted.generate([1], sampling, never)).rejects.toMatchObject({ code: 'script_exhausted' });
  });

  it('asks a function for each turn and remembers its calls', async () => {
    const scripted = new ScriptedEngine(byteTokenizer, ({ tokens }) => `${tokens.length}`);
    const { tokens } = await scripted.generate([1, 2, 3], sampling, never);
    expect(byteTokenizer.decode(tokens)).toBe('3<|im_end|>');
    expect(scripted.calls).toEqual([{ tokens: [1, 2, 3], sampling }]);
  });

  it('throws the reason of an aborted signal', async () => {
    await expect(engine('A').generate([1], sampling, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});
