/**
 * Conversations as transformers writes them down and tokenizes them, 200 a family: equal means equal text and equal ids.
 * VERLET_MODEL_CACHE is a folder with `tokenizer-qwen3/models/tokenizer.json` and so on, and
 * `smollm2/SmolLM2-135M-Instruct.Q4_1.gguf`; make.py beside this file made the fixtures.
 * No files at hand: Llama 2, Mistral, Phi and DeepSeek; Gemma 2's package has no template, so its fixture brings one.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { openGgufModel } from '../../../core/model/gguf/gguf-model.js';
import { chatTemplate, type RenderOptions } from '../../../core/text/chat-template.js';
import { hfTokenizer } from '../../../core/text/hf-tokenizer.js';
import type { TextFiles } from '../../../core/text/text-files.js';
import type { Message, ToolDescription } from '../../../core/types.js';

const cache = process.env.VERLET_MODEL_CACHE;
const FAMILIES = ['qwen3', 'qwen2_5', 'llama3_1', 'llama3_2', 'gemma2', 'gemma3', 'smollm2'];

const messageSchema = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string(),
  name: z.string().optional(),
  tool_calls: z.array(z.object({ function: z.object({ name: z.string(), arguments: z.json() }) })).optional(),
});
const toolSchema = z.object({
  function: z.object({ name: z.string(), description: z.string(), parameters: z.json() }),
});
const entrySchema = z.object({
  messages: z.array(messageSchema),
  tools: z.array(toolSchema).nullable(),
  options: z.object({ addGenerationPrompt: z.boolean(), variables: z.record(z.string(), z.json()).optional() }),
  sha: z.string().optional(),
  ids: z.array(z.number()).optional(),
  error: z.string().optional(),
});
const fixtureSchema = z.object({ chatTemplate: z.string().optional(), entries: z.array(entrySchema).length(200) });
type Entry = z.infer<typeof entrySchema>;

describe.skipIf(cache === undefined)('with the files in VERLET_MODEL_CACHE (skipped when it is not set)', () => {
  test.each(FAMILIES)(
    '%s: every conversation has the text and the tokens that transformers gives it',
    async (family) => {
      const fixture = readFixture(family);
      const files = family === 'smollm2' ? await readGguf() : readTextFiles(family, fixture.chatTemplate);
      const tokenizer = hfTokenizer(files);
      const template = chatTemplate(files, tokenizer);
      const names = [...tokenizer.specials.keys()];
      const different = fixture.entries.flatMap((entry, i) => {
        const difference = compare(
          template,
          entry,
          names.some((name) => isWritten(name, entry)),
        );
        return difference === undefined ? [] : [`conversation ${i}: ${difference}`];
      });
      expect(different).toEqual([]);
    },
  );
});

/** Whether the conversation says the name where it would become a control token, which only transformers lets it. */
function isWritten(name: string, entry: Entry): boolean {
  const said = entry.messages.filter((message) => message.role !== 'assistant').map((message) => message.content);
  return [...said, JSON.stringify(entry.tools)].some((text) => text.includes(name));
}

function compare(
  template: ReturnType<typeof chatTemplate>,
  entry: Entry,
  allowSpecialTokens: boolean,
): string | undefined {
  const conversation = { messages: entry.messages.map(readMessage), tools: (entry.tools ?? []).map(readTool) };
  const variables = { date_string: '26 Jul 2024', ...entry.options.variables };
  const options: RenderOptions = { ...entry.options, variables, allowSpecialTokens };
  try {
    const text = template.text(conversation, options);
    const sha = createHash('sha256').update(text).digest('hex').slice(0, 16);
    if (sha !== entry.sha) return `other text, ${JSON.stringify(text)}`;
    const ids = template.render(conversation, options);
    const at = ids.findIndex((id, i) => id !== entry.ids?.[i]);
    return at < 0 && ids.length === entry.ids?.length ? undefined : `other tokens from ${at}`;
  } catch (error) {
    return entry.error !== undefined && String(error).includes(entry.error) ? undefined : String(error);
  }
}

function readFixture(family: string): z.infer<typeof fixtureSchema> {
  const path = join(import.meta.dirname, '../../fixtures/conversations', `${family}.json.gz`);
  return fixtureSchema.parse(JSON.parse(gunzipSync(readFileSync(path)).toString('utf8')));
}

async function readGguf(): Promise<TextFiles> {
  const path = join(cache ?? '', 'smollm2', 'SmolLM2-135M-Instruct.Q4_1.gguf');
  await using model = await openGgufModel(path, new AbortController().signal);
  if (model.text === undefined) throw new Error(`${path} has no tokenizer`);
  return model.text;
}

function readTextFiles(family: string, ownTemplate: string | undefined): TextFiles {
  const folder = join(cache ?? '', `tokenizer-${family}`, 'models');
  const read = (name: string): Record<string, unknown> =>
    existsSync(join(folder, name)) ? JSON.parse(readFileSync(join(folder, name), 'utf8')) : {};
  const config = read('tokenizer_config.json');
  const template = typeof config.chat_template === 'string' ? config.chat_template : ownTemplate;
  return { tokenizer: read('tokenizer.json'), config, chatTemplate: template, generation: {} };
}

function readMessage({ role, content, name, tool_calls: calls }: z.infer<typeof messageSchema>): Message {
  const toolCalls = calls?.map((call) => call.function);
  return { role, content, ...(name === undefined ? {} : { name }), ...(toolCalls === undefined ? {} : { toolCalls }) };
}

function readTool({ function: tool }: z.infer<typeof toolSchema>): ToolDescription {
  return tool;
}
