import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adapterConfigFile, peftConfig } from './lora/peft-config.js';
import type { Policy } from './policy.js';
import { configText } from './safetensors/config-text.js';
import { writeTextFiles } from './safetensors/text-directory.js';

/** Writes beside a policy's weights what others need to load them: config.json or PEFT's adapter_config.json, tokenizer and chat template. */
export async function writePapers(directory: string, { papers, lora }: Policy, signal: AbortSignal): Promise<void> {
  if (papers === undefined) return;
  signal.throwIfAborted();
  const { torch_dtype: _, ...config } = papers.config;
  const [name, content] =
    lora === undefined
      ? ['config.json', { ...config, dtype: 'float32' }]
      : [adapterConfigFile, peftConfig(lora, papers.source)];
  await writeFile(join(directory, name), configText(content));
  if (papers.text !== undefined) await writeTextFiles(papers.text, directory);
}
