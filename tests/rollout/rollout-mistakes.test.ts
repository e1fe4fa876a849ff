import { describe, expect, it } from 'vitest';
import { callText, playScored, question } from './episode-fixture.js';

describe('a mistake of the model is answered and counted, and the episode goes on:', () => {
  it.each([
    ['an unknown tool', callText('nope', {}), 'unknown_tool', "Unknown tool 'nope'. Available tools: echo."],
    ['bad arguments', callText('echo', { text: 1 }), 'bad_arguments', "Bad arguments for tool 'echo'"],
    ['a call that is no JSON', '<tool_call>echo("hi")</tool_call>', 'unparsable', 'Tool call 1 is not valid JSON.'],
    ['a call that never closes', '<tool_call>{"name": "echo"', 'unparsable', 'never closed'],
  ])('%s', async (_claim, mistake, error, answer) => {
    const trajectory = await playScored({ script: [mistake, 'yes'] });
    expect(trajectory.turns[0]?.toolCalls).toMatchObject([{ error }]);
    expect(trajectory.messages[2]).toMatchObject({ role: 'tool', content: expect.stringContaining(answer) });
    expect(trajectory.metrics).toMatchObject({ tool_call_counts: 1, tool_errors: 1, num_turns: 4 });
    expect(trajectory).toMatchObject({ stopReason: 'terminated', reward: { value: 2 } });
  });

  it('more calls than allowed: the surplus is refused in words, after the answers to the others', async () => {
    const script = [[1, 2, 3, 4].map((i) => callText('echo', { text: `${i}` })).join(''), 'yes'];
    const trajectory = await playScored({
      script,
      config: { maxToolCalls: 2, maxResponseTokens: 500, maxTurnTokens: 500, maxContext: 2000 },
    });
    expect(trajectory.messages.slice(2, 6).map(({ content }) => content)).toEqual([
      '1',
      '2',
      'Not run: at most 2 tool calls a turn are allowed.',
      'Not run: at most 2 tool calls a turn are allowed.',
    ]);
    expect(trajectory.messages[1]?.toolCalls).toHaveLength(4);
    expect(trajectory.metrics).toMatchObject({ tool_call_counts: 4, tool_errors: 2 });
  });

  it('a refusal of surplus calls keeps what the turn earned', async () => {
    const env = question.create({}, question.defaultTools);
    const paid = {
      ...env,
      step: async (...args: Parameters<typeof env.step>) => ({ ...(await env.step(...args)), reward: 1 }),
    };
    const script = [callText('echo', { text: '1' }) + callText('echo', { text: '2' }), 'yes'];
    const { turns } = await playScored({ env: paid, script, config: { maxToolCalls: 1 } });
    expect(turns.map(({ reward }) => reward)).toEqual([1, 1]);
  });

  it('a good call beside a bad one still runs', async () => {
    const trajectory = await playScored({
      script: [`<tool_call>oops</tool_call>${callText('echo', { text: 'hi' })}`, 'yes'],
    });
    expect(trajectory.messages.slice(2, 4)).toMatchObject([
      { content: 'hi' },
      { content: expect.stringContaining('not valid JSON') },
    ]);
  });

  it('an answer beside a broken call is no answer', async () => {
    const trajectory = await playScored({ script: ['yes <tool_call>oops</tool_call>'], config: { maxTurns: 1 } });
    expect(trajectory).toMatchObject({ stopReason: 'max_turns', reward: { value: 0 } });
  });
});
