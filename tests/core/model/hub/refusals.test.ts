import { expect, test } from 'vitest';
import { ConfigError } from '../../../../core/errors.js';
import { HubHome, repository, shardedModel } from '../../../helpers/hub-cache.js';

const model = 'owner/tiny-1.5';

test('a model that is nowhere is a question of spelling or of a token', async () => {
  await using home = await HubHome.open();
  await expect(home.resolve('owner/tyni')).rejects.toThrow(
    /no model owner\/tyni .*private: check the spelling, or set HF_TOKEN/,
  );
  await expect(home.resolve('owner/tyni', { HF_TOKEN: 'hf_x' })).rejects.toThrow(
    /check that the token in use may read it/,
  );
});

test('a revision that is not there is named', async () => {
  await using home = await HubHome.open();
  await expect(home.resolve(`${model}@v9`)).rejects.toThrow(/owner\/tiny-1.5 has no revision v9: see http/);
});

test('a gated model says where its terms are', async () => {
  await using home = await HubHome.open({ ...shardedModel, isGated: true });
  await expect(home.resolve(model, { HF_TOKEN: 'hf_x' })).rejects.toThrow(
    /is gated: accept its terms at http.*owner\/tiny-1.5/,
  );
  expect(home.files()).toEqual([]);
});

test.each([
  [{ HF_TOKEN: 'any-form' }, {}],
  [{ HUGGING_FACE_HUB_TOKEN: 'any-form' }, {}],
  [{}, { '.cache/huggingface/token': 'any-form\n' }],
  [{ HF_TOKEN_PATH: '~/other' }, { other: 'any-form' }],
])('a token is taken from %j and %j', async (env, files) => {
  await using home = await HubHome.open({ ...shardedModel, token: 'any-form' });
  home.folder.write(files);
  expect(await home.resolve(model, env)).toContain(shardedModel.commit);
});

test('a token is never sent to where the hub redirects', async () => {
  await using home = await HubHome.open({ ...shardedModel, token: 'secret' });
  await home.resolve(model, { HF_TOKEN: 'secret' });
  const at = (origin: string): unknown[] => home.server.requests.filter((one) => one.origin === origin);
  expect(at('storage')).toHaveLength(2);
  for (const request of at('storage')) expect(request).toMatchObject({ authorization: undefined, cookie: undefined });
  for (const request of at('hub')) expect(request).toMatchObject({ authorization: 'Bearer secret' });
});

test('a token that no header can hold is refused without being shown', async () => {
  await using home = await HubHome.open();
  const error: unknown = await home.resolve(model, { HF_TOKEN: 'hf_sécret\u0000x' }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).not.toContain('cret');
});

test.each([
  [{ HF_ENDPOINT: 'hub.example' }, /HF_ENDPOINT is "hub.example": write a URL/],
  [{ HF_HUB_DOWNLOAD_TIMEOUT: 'soon' }, /write seconds/],
])('%j is refused', async (env, message) => {
  await using home = await HubHome.open();
  await expect(home.resolve(model, env)).rejects.toThrow(message);
});

test('a server that is no hub is refused', async () => {
  await using home = await HubHome.open();
  home.server.troubles.push((_, response) => {
    response.writeHead(200).end('<html>please log in</html>');
    return true;
  });
  await expect(home.resolve(model)).rejects.toThrow(/does not answer as a hub does: check HF_ENDPOINT/);
});

test.each(['../../../evil.safetensors', '/evil.safetensors', '..\\evil.safetensors'])(
  'nothing is written outside of the snapshot for %s',
  async (name) => {
    const index = JSON.stringify({ weight_map: { a: name } });
    await using home = await HubHome.open(
      repository({ 'config.json': '{}', 'model.safetensors.index.json': index, [name]: 'evil' }),
    );
    await expect(home.resolve(model)).rejects.toThrow(/which is no safetensors file there/);
    expect(home.files().filter((path) => path.includes('evil'))).toEqual([]);
  },
);

test('a commit or a hash that is a path is refused', async () => {
  await using home = await HubHome.open({ ...shardedModel, commit: '../../../../evil' });
  await expect(home.resolve(model)).rejects.toThrow(/does not answer as a hub does/);
  expect(home.files()).toEqual([]);
});

test('a model that the disk has no room for is refused before its weights are asked for', async () => {
  await using home = await HubHome.open();
  const entry = { type: 'file', path: 'x.gguf', size: 1e15, oid: '0'.repeat(40) };
  home.server.troubles.push(({ path }, response) => {
    if (!path.includes('/tree/')) return false;
    response.writeHead(200).end(JSON.stringify([entry]));
    return true;
  });
  await expect(home.resolve(model)).rejects.toThrow(/needs 1000000.0 GB at .*: free space, or name another cache/);
  expect(home.server.paths().some((path) => path.includes('/resolve/'))).toBe(false);
});
