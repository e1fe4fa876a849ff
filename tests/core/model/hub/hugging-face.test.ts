import { lstatSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HubHome, repository, shardedModel } from '../../../helpers/hub-cache.js';
import { gitHash, sha256 } from '../../../helpers/hub-server.js';

const model = 'owner/tiny-1.5';
const folder = '.cache/huggingface/hub/models--owner--tiny-1.5';
const snapshot = `${folder}/snapshots/${shardedModel.commit}`;
const needed = [
  'config.json',
  'model-00001-of-00002.safetensors',
  'model-00002-of-00002.safetensors',
  'model.safetensors.index.json',
  'tokenizer.json',
  'tokenizer_config.json',
];
const shard = 'model-00001-of-00002.safetensors';

describe('the cache', () => {
  test('has the layout of huggingface_hub: blobs by hash, a ref without line break, relative links', async () => {
    await using home = await HubHome.open();
    expect(await home.resolve(model)).toBe(join(home.folder.path, snapshot));
    const hashOf = (name: string): string => {
      const content = shardedModel.files[name] ?? '';
      return shardedModel.lfs?.includes(name) ? sha256(content) : gitHash(content);
    };
    const expected = [
      ...needed.map((name) => `${folder}/blobs/${hashOf(name)}`),
      `${folder}/refs/main`,
      ...needed.map((name) => `${snapshot}/${name}`),
    ];
    expect(home.files()).toEqual(expected.sort());
    expect(readFileSync(join(home.folder.path, folder, 'refs/main'), 'utf8')).toBe(shardedModel.commit);
    expect(readlinkSync(join(home.folder.path, snapshot, shard))).toBe(`../../blobs/${hashOf(shard)}`);
    expect(
      readFileSync(join(home.folder.path, snapshot, shard)).equals(Buffer.from(shardedModel.files[shard] ?? '')),
    ).toBe(true);
  });

  test('is not filled again', async () => {
    await using home = await HubHome.open();
    await home.resolve(model);
    home.server.requests.length = 0;
    await home.resolve(model);
    expect(home.server.paths().filter((path) => !path.startsWith('/api/'))).toEqual([]);
  });

  test('is completed where a file is missing or of another size', async () => {
    await using home = await HubHome.open();
    const path = await home.resolve(model);
    rmSync(join(path, 'tokenizer.json'));
    home.folder.write({ [`${folder}/blobs/${gitHash('{"version":"1.0"}')}`]: 'cut' });
    home.server.requests.length = 0;
    await home.resolve(model);
    expect(home.server.paths().filter((one) => one.includes('/resolve/'))).toHaveLength(1);
    expect(readFileSync(join(path, 'tokenizer.json'), 'utf8')).toBe('{"version":"1.0"}');
  });

  test('shares a blob that another revision has', async () => {
    await using home = await HubHome.open(repository({ 'config.json': '{}', 'model.safetensors': 'weights' }));
    home.folder.write({ [`${folder}/blobs/${gitHash('weights')}`]: 'weights' });
    await home.resolve(model);
    expect(home.server.paths().some((path) => path.endsWith('/model.safetensors'))).toBe(false);
  });

  test.each([
    [{ HF_HOME: '~/elsewhere' }, 'elsewhere/hub'],
    [{ HF_HUB_CACHE: 'HOME/here', HF_HOME: '~/elsewhere' }, 'here'],
    [{ XDG_CACHE_HOME: 'HOME/xdg' }, 'xdg/huggingface/hub'],
  ])('is where %j says', async (variables, place) => {
    await using home = await HubHome.open(repository({ 'x.gguf': 'GGUF' }));
    const env = Object.fromEntries(Object.entries(variables).map(([k, v]) => [k, v.replace('HOME', home.folder.path)]));
    expect(await home.resolve(model, env)).toContain(join(home.folder.path, place, 'models--owner--tiny-1.5'));
  });
});

describe('what is meant', () => {
  test('a path on this machine comes before an id', async () => {
    await using home = await HubHome.open();
    expect(await home.resolve('core/model')).toBe('core/model');
    expect(home.server.requests).toEqual([]);
  });

  test('a tag, a pull request and a commit are revisions', async () => {
    await using home = await HubHome.open();
    const path = join(home.folder.path, snapshot);
    for (const revision of ['v1', 'refs/pr/3', shardedModel.commit])
      expect(await home.resolve(`${model}@${revision}`)).toBe(path);
    expect(home.files().filter((file) => file.includes('/refs/'))).toEqual([
      `${folder}/refs/refs/pr/3`,
      `${folder}/refs/v1`,
    ]);
  });

  test('a GGUF file is the path itself, in its folder', async () => {
    await using home = await HubHome.open(
      repository({ 'a.gguf': 'GGUF', 'q/b-Q4_0.gguf': 'GGUF4', 'config.json': '{}' }),
    );
    const path = await home.resolve(`${model}:Q4_0`);
    expect(path).toBe(join(home.folder.path, snapshot, 'q/b-Q4_0.gguf'));
    expect(statSync(path).size).toBe(5);
    expect(readlinkSync(path)).toBe(`../../../blobs/${gitHash('GGUF4')}`);
  });

  test('what is neither path nor id is named with the place that was looked at', async () => {
    await using home = await HubHome.open();
    await expect(home.resolve('qwen3')).rejects.toThrow(
      /there is no model qwen3: neither a file or directory \(.*qwen3\) nor an id/,
    );
  });
});

describe('without network', () => {
  const offline = { HF_HUB_OFFLINE: '1' };

  test('HF_HUB_OFFLINE takes what the cache has and asks nobody', async () => {
    await using home = await HubHome.open();
    const path = await home.resolve(model);
    home.server.requests.length = 0;
    expect(await home.resolve(model, offline)).toBe(path);
    expect(home.server.requests).toEqual([]);
  });

  test('HF_HUB_OFFLINE names what is missing', async () => {
    await using home = await HubHome.open();
    await expect(home.resolve(model, offline)).rejects.toThrow(
      /nothing is known of the revision main; unset HF_HUB_OFFLINE/,
    );
    rmSync(join(await home.resolve(model), shard));
    await expect(home.resolve(model, offline)).rejects.toThrow(new RegExp(`names "${shard}", which is no`));
  });

  test('a link to a blob that is gone is no file', async () => {
    await using home = await HubHome.open(repository({ 'config.json': '{}', 'model.safetensors': 'weights' }));
    const path = await home.resolve(model);
    rmSync(join(home.folder.path, folder, 'blobs', gitHash('weights')));
    expect(lstatSync(join(path, 'model.safetensors')).isSymbolicLink()).toBe(true);
    await expect(home.resolve(model, offline)).rejects.toThrow(/no weights that can be read/);
  });

  test('a hub that does not answer is replaced by a cache that is whole', async () => {
    await using home = await HubHome.open();
    const path = await home.resolve(model);
    expect(await home.resolve(model, { HF_ENDPOINT: 'http://127.0.0.1:1' })).toBe(path);
  });

  test('a hub that refuses is replaced by a cache that is whole', async () => {
    await using home = await HubHome.open({ ...shardedModel, token: 'secret' });
    const path = await home.resolve(model, { HF_TOKEN: 'secret' });
    expect(await home.resolve(model)).toBe(path);
    rmSync(join(path, shard));
    await expect(home.resolve(model)).rejects.toThrow(/set HF_TOKEN/);
  });

  test('a hub that does not answer is an infrastructure error where the cache has nothing', async () => {
    await using home = await HubHome.open();
    const resolving = home.resolve(model, { HF_ENDPOINT: 'http://127.0.0.1:1' });
    await expect(resolving).rejects.toMatchObject({
      name: 'InfrastructureError',
      code: 'model_hub_unreachable',
      retryable: true,
    });
  });
});
