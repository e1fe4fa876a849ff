import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect, test, vi } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { useBackend } from '../../../core/tensor/backend.js';
import { builtTfjsNode } from '../../../core/tensor/tfjs-node-folder.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';

const peers = [
  ['node', '@tensorflow/tfjs-node'],
  ['node-gpu', '@tensorflow/tfjs-node-gpu'],
] as const;
const missing = peers.filter(([, specifier]) => !existsSync(`node_modules/${specifier}`));

afterEach(() => vi.unstubAllEnvs());

test.each(['cpu', 'wasm', 'native'] as const)('%s is the current backend once it was asked for', async (name) => {
  expect(await useBackend(name)).toBe(name);
  expect(tf.getBackend()).toBe(name);
});

test('auto takes the fastest that loads, never wasm while there is a compiler', async () => {
  expect(['node-gpu', 'native']).toContain(await useBackend('auto'));
});

test.each(missing)('%s without its package is a ConfigError that says what to install', async (name, specifier) => {
  using cache = new TemporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', cache.path);
  const attempt = useBackend(name);
  await expect(attempt).rejects.toThrow(ConfigError);
  await expect(attempt).rejects.toThrow(`npm install ${specifier}`);
});

test('bfloat16 products are native’s alone, and say so', async () => {
  await expect(useBackend('wasm', { matmulPrecision: 'bfloat16' })).rejects.toThrow(
    "matmulPrecision 'bfloat16' needs backend 'native', with AVX512-BF16; backend is 'wasm'",
  );
});

test('a tfjs-node built in the cache of the user stands in for the peer', async () => {
  using cache = new TemporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', cache.path);
  const ours = createRequire(import.meta.url).resolve('@tensorflow/tfjs-core');
  const standIn = `const tf = require(${JSON.stringify(ours)}); tf.registerBackend('tensorflow', () => tf.findBackend('cpu'));`;
  cache.write({ [relative(cache.path, builtTfjsNode())]: standIn });
  expect(await useBackend('node')).toBe('node');
  expect(tf.getBackend()).toBe('tensorflow');
});
