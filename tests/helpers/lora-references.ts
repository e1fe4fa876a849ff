import { readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type LoadOptions, loadPolicy } from '../../core/model/load-policy.js';
import { loadAdapter } from '../../core/model/lora/load-adapter.js';
import { readPeftConfig } from '../../core/model/lora/peft-config.js';
import type { ModelFiles } from '../../core/model/model-files.js';
import type { Policy } from '../../core/model/policy.js';
import { openModelDirectory } from '../../core/model/safetensors/model-directory.js';
import { type ModelReference, readReference } from './model-references.js';
import { never } from './tiny-policy.js';

const folder = resolve('tests/fixtures/lora');

/** Adapters that PEFT wrote, by their folders; tests/fixtures/lora/README.md says what they are. */
export const adapterNames: readonly string[] = readdirSync(folder).filter((name) =>
  statSync(`${folder}/${name}`).isDirectory(),
);

export function adapterPath(name: string): string {
  return `${folder}/${name}`;
}

/** What PEFT makes of the adapter on its base; gradients are to its factors. */
export function adapterReference(name: string): ModelReference {
  return readReference(`${folder}/${name}/reference`);
}

/** The base of the adapter alone. */
export async function openAdapterBase(name: string): Promise<Policy> {
  await using files = await openBaseFiles(name);
  return await loadPolicy(files, {}, never);
}

/** The base with fresh adapters of the adapter's kind over it. */
export async function openFreshAdapter(name: string, options: LoadOptions = {}): Promise<Policy> {
  const { lora } = await readPeftConfig(adapterPath(name));
  await using files = await openBaseFiles(name);
  return await loadPolicy(files, { lora, ...options }, never);
}

export async function openBaseFiles(name: string): Promise<ModelFiles> {
  const { base = '' } = await readPeftConfig(adapterPath(name));
  return await openModelDirectory(resolve(base), never);
}

/** The base with the adapter over it. */
export async function openAdaptedPolicy(name: string, options: LoadOptions = {}): Promise<Policy> {
  const policy = await openFreshAdapter(name, options);
  await loadAdapter(policy, adapterPath(name), never);
  return policy;
}
