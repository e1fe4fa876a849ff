import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { openGgufModel } from '../../core/model/gguf/gguf-model.js';
import { byteTextFiles } from '../../core/text/byte-text-files.js';
import { byteTokenizer } from '../../core/text/byte-tokenizer.js';
import { chatFormat } from '../../core/text/chat-format.js';
import { chatMlTemplate } from '../../core/text/chat-ml-template.js';
import type { TextFiles } from '../../core/text/text-files.js';
import type { Message } from '../../core/types.js';
import { chatMlRenderer } from '../../rollout/renderer.js';
import { templateRenderer } from '../../rollout/template-renderer.js';
import { never } from '../helpers/tiny-policy.js';

const tool = { name: 'f', description: 'Does f.', parameters: { type: 'object', properties: {} } };
const call = { name: 'f', arguments: { x: 1, s: '"é\n' } };
const prompt: Message[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'What is f?' },
];
/** Turns and what the environment answers. */
const exchanges: readonly (readonly [Message, Message[]])[] = [
  [
    { role: 'assistant', content: 'See:', toolCalls: [call, call] },
    [
      { role: 'tool', name: 'f', content: 'A' },
      { role: 'tool', name: 'f', content: 'B <|im_end|>' },
    ],
  ],
  [{ role: 'assistant', content: '', toolCalls: [call] }, [{ role: 'tool', name: 'f', content: '' }]],
  [{ role: 'assistant', content: '42' }, [{ role: 'user', content: 'Sure?' }]],
];

function rendererOf(files: TextFiles, showTools = true) {
  const format = chatFormat(files);
  return { format, renderer: templateRenderer(format, { showTools }) };
}

/** What the engine sees of a conversation, message by message, and what the template writes of it at once. */
function bothWays(files: TextFiles, turns: typeof exchanges): { stream: string; whole: string } {
  const { format, renderer } = rendererOf(files);
  const { decode } = format.tokenizer;
  const parts = turns.flatMap(([turn, answer]) => [...renderer.encodeAssistant(turn), ...renderer.append(answer)]);
  const messages = [...prompt, ...turns.flatMap(([turn, answer]) => [turn, ...answer])];
  const whole = format.render({ messages, tools: [tool] }, { addGenerationPrompt: true });
  return { stream: decode([...renderer.start(prompt, [tool]), ...parts]), whole: decode(whole) };
}

describe('a renderer of the byte tokenizer’s template', () => {
  const { renderer } = rendererOf(byteTextFiles);
  const own = chatMlRenderer(byteTokenizer, { showTools: true });

  it('gives the same tokens as the ChatML renderer, in every place', () => {
    expect(renderer.stopTokens).toEqual(own.stopTokens);
    expect(renderer.closeTurn()).toEqual(own.closeTurn());
    for (const tools of [[], [tool]]) expect(renderer.start(prompt, tools)).toEqual(own.start(prompt, tools));
    for (const [turn, answer] of exchanges) {
      expect(renderer.encodeAssistant(turn)).toEqual(own.encodeAssistant(turn));
      expect(renderer.append(answer)).toEqual(own.append(answer));
    }
  });

  it('appended message by message is the template’s whole conversation', () => {
    const { stream, whole } = bothWays(byteTextFiles, exchanges);
    expect(stream).toBe(whole);
  });

  it('leaves the tools out when told so', () => {
    const silent = rendererOf(byteTextFiles, false).renderer;
    expect(silent.start(prompt, [tool])).toEqual(silent.start(prompt, []));
  });

  it('reads back what it wrote, whole and cut off', () => {
    for (const [turn] of exchanges) {
      const tokens = renderer.encodeAssistant(turn);
      expect(renderer.parse(tokens, true)).toEqual(own.parse(tokens, true));
      expect(renderer.parse(tokens.slice(0, -3), false)).toEqual(own.parse(tokens.slice(0, -3), false));
    }
    expect(renderer.parse([], false)).toEqual(own.parse([], false));
  });
});

describe('a template that cannot be talked with is a ConfigError:', () => {
  const nameless = { config: {}, generation: {} };

  it('no token ends a turn', () => {
    const chatTemplate = '{% for message in messages %}{{ message.content }}\n{% endfor %}';
    expect(() => rendererOf({ ...byteTextFiles, ...nameless, chatTemplate })).toThrow(ConfigError);
  });

  it('the end of a turn is named but never written', () => {
    const chatTemplate = '{% for message in messages %}{{ message.content }}\n{% endfor %}';
    expect(() => rendererOf({ ...byteTextFiles, chatTemplate })).toThrow(
      'the model’s chat template writes no end behind an assistant’s turn',
    );
  });

  it('earlier turns are written anew when another message follows', () => {
    const chatTemplate = `{{ messages | length }}${chatMlTemplate}`;
    const { renderer } = rendererOf({ ...byteTextFiles, chatTemplate });
    expect(() => renderer.append([{ role: 'user', content: 'x' }])).toThrow(ConfigError);
  });
});

const cache = process.env.VERLET_MODEL_CACHE;

describe.runIf(cache !== undefined)('of real checkpoints', () => {
  const json = (name: string) => JSON.parse(readFileSync(`${cache}/tokenizer-qwen3/models/${name}`, 'utf8'));
  const qwen3 = (): TextFiles => {
    const config = json('tokenizer_config.json');
    return { tokenizer: json('tokenizer.json'), config, chatTemplate: config.chat_template, generation: {} };
  };

  it('Qwen3’s prompt and answers are what its template writes at once, though it drops empty reasoning from earlier turns', () => {
    const { format, renderer } = rendererOf(qwen3());
    const { decode } = format.tokenizer;
    for (const [turn, answer] of exchanges) {
      const messages = [...prompt, turn, ...answer];
      const whole = decode(format.render({ messages, tools: [tool] }, { addGenerationPrompt: true }));
      const [start, rest] = [decode(renderer.start(prompt, [tool])), decode(renderer.append(answer))];
      expect(whole.startsWith(start)).toBe(true);
      expect(whole.endsWith(`<|im_end|>${rest}`)).toBe(true);
      expect(decode(renderer.encodeAssistant(turn))).toMatch(/^<think>\n\n<\/think>\n\n.*<\|im_end\|>$/s);
    }
  });

  it('Qwen3’s calls are read back', () => {
    const { renderer } = rendererOf(qwen3());
    const [turn] = exchanges[0] ?? [];
    if (turn === undefined) throw new Error('no exchange');
    expect(renderer.parse(renderer.encodeAssistant(turn), true)).toMatchObject({ toolCalls: [call, call] });
  });

  it('SmolLM2’s conversation without tools, appended, is what its template writes at once', async () => {
    await using files = await openGgufModel(`${cache}/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf`, never);
    if (files.text === undefined) throw new Error('no text');
    const { stream, whole } = bothWays(files.text, exchanges.slice(2));
    expect(stream).toBe(whole);
  });
});
