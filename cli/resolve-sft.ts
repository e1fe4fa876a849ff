import { applyOverrides, loadYaml, parseConfig } from '../core/config.js';
import type { ResolveOptions } from '../core/model/hub/resolve-options.js';
import { openText } from '../core/model/open-text.js';
import { chatFormat } from '../core/text/chat-format.js';
import { refuseShape, withAbsolutePaths } from './model-choice.js';
import { type SftConfig, sftConfig } from './sft-config.js';
import { readSftData, type SftData } from './sft-data.js';
import { verlNames } from './verl-names.js';

/** A run of supervised fine-tuning as it was asked for, its data read. */
export interface ResolvedSft {
  /** JSON only; starts the same run again wherever it is written. */
  readonly config: SftConfig;
  readonly data: SftData;
  /** The tokenizer's. */
  readonly vocabSize: number;
}

/** Reads, overrides and checks config and data; throws ConfigError before anything was started or written. */
export async function resolveSft(
  configPath: string,
  overrides: readonly string[],
  models: ResolveOptions,
  signal: AbortSignal,
): Promise<ResolvedSft> {
  const input = applyOverrides(await loadYaml(configPath), overrides);
  refuseShape(input);
  const source = overrides.length === 0 ? configPath : `${configPath} with ${overrides.join(' ')}`;
  const parsed = parseConfig(sftConfig, input, { source, aliases: verlNames, kinds: { backend: 'backend' } });
  const config = { ...parsed, model: await withAbsolutePaths(parsed.model, configPath) };
  const format = chatFormat(await openText(config, models, signal));
  return { config, data: await readSftData(config, format, signal), vocabSize: format.tokenizer.vocabSize };
}
