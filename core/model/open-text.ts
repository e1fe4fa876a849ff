import { readFile } from 'node:fs/promises';
import { ConfigError } from '../errors.js';
import { byteTextFiles } from '../text/byte-text-files.js';
import { chatMlTemplate } from '../text/chat-ml-template.js';
import type { TextFiles } from '../text/text-files.js';
import type { TokenizerConfig } from '../text/tokenizer-config.js';
import type { ModelConfig } from './config.js';
import type { ResolveOptions } from './hub/resolve-model.js';
import { openModel } from './open-model.js';

/** What a run says of its text. */
export interface TextChoice {
  readonly tokenizer: TokenizerConfig;
  readonly model: Pick<ModelConfig, 'path' | 'customChatTemplate'>;
}

/**
 * The text files of a run: the tokenizer's that it names, or else the pretrained model's own, or else bytes; with the chat template that it
 * names instead of theirs. Throws ConfigError where one of these is missing.
 */
export async function openText(
  { tokenizer, model }: TextChoice,
  options: ResolveOptions,
  signal: AbortSignal,
): Promise<TextFiles> {
  const text = await ownText(tokenizer, { model, options }, signal);
  if (model.customChatTemplate === null) return text;
  return { ...text, chatTemplate: await readTemplate(model.customChatTemplate) };
}

async function ownText(
  tokenizer: TokenizerConfig,
  { model, options }: { readonly model: TextChoice['model']; readonly options: ResolveOptions },
  signal: AbortSignal,
): Promise<TextFiles> {
  const path = tokenizer?.name === 'huggingface' ? tokenizer.path : tokenizer === null ? model.path : null;
  if (path === null) return byteTextFiles;
  await using files = await openModel(path, options, signal);
  if (files.text !== undefined) return files.text;
  throw new ConfigError(
    `${files.source} brings no tokenizer; name a checkpoint with one: tokenizer: {name: huggingface, path: …}`,
  );
}

async function readTemplate(name: string): Promise<string> {
  if (name === 'chatml') return chatMlTemplate;
  return readFile(name, 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`model.customChatTemplate names ${name}, which cannot be read; write a file, or chatml`, {
      cause,
    });
  });
}
