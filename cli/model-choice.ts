import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '../core/errors.js';
import { type ModelConfig, shapeNames } from '../core/model/config.js';

/** A pretrained model brings its shape along; throws ConfigError where a config has both, given before any default is filled in. */
export function refuseShape(input: unknown): void {
  if (typeof input !== 'object' || input === null || !('model' in input)) return;
  const { model } = input;
  if (typeof model !== 'object' || model === null || !('path' in model) || model.path === null) return;
  const given = shapeNames.filter((name) => name in model);
  if (given.length === 0) return;
  throw new ConfigError(
    `model.path names a pretrained model, which brings its own ${given.join(', ')}; leave ${given.length === 1 ? 'that' : 'those'} out`,
  );
}

/** The config as it is written down: without the shape that a pretrained model brings along, so that it can be read again. */
export function writtenConfig<Config extends { readonly model: ModelConfig }>(config: Config): object {
  if (config.model.path === null) return config;
  const model = Object.entries(config.model).filter(([name]) => !shapeNames.includes(name));
  return { ...config, model: Object.fromEntries(model) };
}

/** Paths that are there, relative to the file that names them, become absolute; ids and names stay. */
export async function withAbsolutePaths(model: ModelConfig, configPath: string): Promise<ModelConfig> {
  const absolute = async (path: string | null): Promise<string | null> => {
    if (path === null) return null;
    const there = resolve(dirname(configPath), path);
    const stats = await stat(there).catch(() => undefined);
    return stats === undefined ? path : there;
  };
  return {
    ...model,
    path: await absolute(model.path),
    customChatTemplate: await absolute(model.customChatTemplate),
    loraAdapterPath: await absolute(model.loraAdapterPath),
  };
}
