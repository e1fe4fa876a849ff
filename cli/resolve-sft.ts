import { applyOverrides, loadYaml, parseConfig } from '../core/config.js';
import { ConfigError } from '../core/errors.js';
import type { ResolveOptions } from '../core/model/hub/resolve-options.js';
import { openText } from '../core/model/open-text.js';
import { supervisedSteps } from '../core/sft/train-supervised.js';
import { chatFormat } from '../core/text/chat-format.js';
import { refuseShape, withAbsolutePaths } from './model-choice.js';
import { type SftConfig, sftConfig } from './sft-config.js';
import { readSftData, type SftData } from './sft-data.js';
import { verlSftNames } from './verl-names.js';

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
  const parsed = parseConfig(sftConfig, input, { source, aliases: verlSftNames, kinds: { backend: 'backend' } });
  const config = { ...parsed, model: await withAbsolutePaths(parsed.model, configPath) };
  const format = chatFormat(await openText(config, models, signal));
  const data = await readSftData(config, format, signal);
  checkAgainstData(config, data);
  return { config, data, vocabSize: format.tokenizer.vocabSize };
}

/** What can be seen only once the data are there. */
function checkAgainstData({ model, optimizer, trainer, data }: SftConfig, { train, val }: SftData): void {
  const longest = longestOf([...train, ...val]);
  if (model.path === null && longest > model.maxPositionEmbeddings) {
    throw new ConfigError(
      `the data have a sequence of ${longest} tokens, more than model.maxPositionEmbeddings (${model.maxPositionEmbeddings}); raise that, or cut with data.maxLength and data.truncation`,
    );
  }
  const steps = supervisedSteps({ loop: trainer, trainBatchSize: data.trainBatchSize }, train.length);
  if ((optimizer.lrWarmupSteps ?? 0) > steps) {
    throw new ConfigError(
      `optimizer.lrWarmupSteps is ${optimizer.lrWarmupSteps}, more than the ${steps} steps of the run; write less, or null`,
    );
  }
}

/** Tokens of the longest one. */
export function longestOf(sequences: SftData['train']): number {
  return sequences.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
}
