import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HubHome, repository, shardedModel } from '../../../helpers/hub-cache.js';

const model = 'modelscope:owner/tiny-1.5';
const snapshot = '.cache/modelscope/models/owner--tiny-1.5/snapshots/master';
const small = repository({ 'config.json': '{}', 'model.safetensors': 'weights', 'README.md': '#' });

test('files lie as its own library lays them out', async () => {
  await using home = await HubHome.open(small);
  expect(await home.resolve(model)).toBe(join(home.folder.path, snapshot));
  expect(home.files()).toEqual([`${snapshot}/config.json`, `${snapshot}/model.safetensors`]);
  expect(readFileSync(join(home.folder.path, snapshot, 'model.safetensors'), 'utf8')).toBe('weights');
});

test.each(['.cache/modelscope/models', '.cache/modelscope/hub/models'])(
  'a folder that older libraries made at %s is used',
  async (place) => {
    await using home = await HubHome.open(small);
    home.folder.write({ [`${place}/owner/tiny-1___5/config.json`]: '{}' });
    expect(await home.resolve(model)).toBe(join(home.folder.path, place, 'owner/tiny-1___5'));
    expect(home.server.paths().filter((path) => path.endsWith('/repo'))).toHaveLength(1);
  },
);

test('MODELSCOPE_CACHE and a revision say where', async () => {
  await using home = await HubHome.open({ ...small, revisions: ['v1.0.0'] });
  const cache = join(home.folder.path, 'ms');
  expect(await home.resolve(`${model}@v1.0.0`, { MODELSCOPE_CACHE: cache })).toBe(
    join(cache, 'models/owner--tiny-1.5/snapshots/v1.0.0'),
  );
});

test('a file is brought again when its content is another', async () => {
  await using home = await HubHome.open(small);
  home.folder.write({ [`${snapshot}/model.safetensors`]: 'WEIGHTS', [`${snapshot}/config.json`]: '{}' });
  await home.resolve(model);
  expect(readFileSync(join(home.folder.path, snapshot, 'model.safetensors'), 'utf8')).toBe('weights');
});

test('VERL_USE_MODELSCOPE makes it the hub of names without prefix', async () => {
  await using home = await HubHome.open(small);
  expect(await home.resolve('owner/tiny-1.5', { VERL_USE_MODELSCOPE: 'True' })).toBe(join(home.folder.path, snapshot));
});

test('a token goes as header and as cookie, and to nobody else', async () => {
  await using home = await HubHome.open({ ...shardedModel, token: 'secret' });
  await home.resolve(model, { MODELSCOPE_API_TOKEN: 'secret' });
  for (const { origin, authorization, cookie } of home.server.requests) {
    const sent = origin === 'hub' ? ['Bearer secret', 'm_session_id=secret'] : [undefined, undefined];
    expect([authorization, cookie]).toEqual(sent);
  }
});

test('a model that is not there says what to do', async () => {
  await using home = await HubHome.open(small);
  await expect(home.resolve('modelscope:owner/none')).rejects.toThrow(
    /no model owner\/none \(revision master\) .*MODELSCOPE_API_TOKEN/,
  );
  await expect(home.resolve(`${model}@v9`)).rejects.toThrow(/revision v9/);
});

test('without network the cache is taken when it is whole', async () => {
  await using home = await HubHome.open(small);
  const path = await home.resolve(model);
  expect(await home.resolve(model, { HF_HUB_OFFLINE: '1' })).toBe(path);
  expect(await home.resolve(model, { MODELSCOPE_ENDPOINT: '127.0.0.1:1' })).toBe(path);
  rmSync(join(path, 'config.json'));
  await expect(home.resolve(model, { HF_HUB_OFFLINE: '1' })).rejects.toThrow(/not whole in .*no config.json/);
});
