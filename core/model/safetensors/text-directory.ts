import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../errors.js';
import type { TextFiles } from '../../text/text-files.js';
import { readJsonObject, readText } from './json-file.js';

const templateSchema = z.union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))]);

/** The text files of a directory; undefined where it has no tokenizer.json. Throws ConfigError, naming the file, for one that is broken. */
export async function readTextFiles(directory: string): Promise<TextFiles | undefined> {
  const tokenizer = await readJsonObject(join(directory, 'tokenizer.json'));
  if (tokenizer === undefined) return undefined;
  const configPath = join(directory, 'tokenizer_config.json');
  const config = (await readJsonObject(configPath)) ?? {};
  return {
    tokenizer,
    config,
    chatTemplate: (await readText(join(directory, 'chat_template.jinja'))) ?? templateIn(config, configPath),
    generation: (await readJsonObject(join(directory, 'generation_config.json'))) ?? {},
  };
}

/** Writes the text files into an existing directory, those that have content. */
export async function writeTextFiles(text: TextFiles, directory: string): Promise<void> {
  const writeJson = (name: string, value: object) => writeFile(join(directory, name), JSON.stringify(value, null, 2));
  await writeFile(join(directory, 'tokenizer.json'), JSON.stringify(text.tokenizer));
  if (hasKeys(text.config)) await writeJson('tokenizer_config.json', text.config);
  if (text.chatTemplate !== undefined) await writeFile(join(directory, 'chat_template.jinja'), text.chatTemplate);
  if (hasKeys(text.generation)) await writeJson('generation_config.json', text.generation);
}

/** A model with several templates names the one for chats `default`; the others are for tools or retrieval. */
function templateIn({ chat_template }: TextFiles['config'], path: string): string | undefined {
  if (chat_template === undefined || chat_template === null) return undefined;
  const parsed = templateSchema.safeParse(chat_template);
  if (!parsed.success) {
    throw new ConfigError(`chat_template in ${path} is neither a string nor a list of {name, template}`);
  }
  if (typeof parsed.data === 'string') return parsed.data;
  return parsed.data.find(({ name }) => name === 'default')?.template;
}

function hasKeys(value: object): boolean {
  return Object.keys(value).length > 0;
}
