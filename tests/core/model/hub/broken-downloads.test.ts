import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HubHome, shardedModel } from '../../../helpers/hub-cache.js';
import type { Trouble } from '../../../helpers/hub-server.js';

const model = 'owner/tiny-1.5';
const shard = 'model-00001-of-00002.safetensors';
const shardBytes = Buffer.from(shardedModel.files[shard] ?? '');

/** Sends a part of the shard, then what `end` does. */
function afterPart(bytes: number, end: (response: Parameters<Trouble>[1]) => void): Trouble {
  return ({ origin, path, range }, response, content) => {
    if (origin !== 'storage' || !path.endsWith(shard) || content === undefined) return false;
    const start = Number(range?.slice('bytes='.length, -1) ?? 0);
    const headers = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
    response.writeHead(range === undefined ? 200 : 206, range === undefined ? {} : headers);
    response.write(content.subarray(start, start + bytes), () => end(response));
    return true;
  };
}

const drop = (bytes: number): Trouble => afterPart(bytes, (response) => response.destroy());

function rangesOf(home: HubHome): (string | undefined)[] {
  return home.server.requests
    .filter(({ origin, path }) => origin === 'storage' && path.endsWith(shard))
    .map(({ range }) => range);
}

test('a dropped connection goes on where it broke', async () => {
  await using home = await HubHome.open();
  home.server.troubles.push(drop(1_200_000), drop(500_000));
  const path = await home.resolve(model);
  const [first, second, third] = rangesOf(home);
  expect([first, second, third].map((range) => range?.replace(/[1-9]\d*/, 'N'))).toEqual([
    undefined,
    'bytes=N-',
    'bytes=N-',
  ]);
  expect(readFileSync(join(path, shard)).equals(shardBytes)).toBe(true);
});

test('a server without ranges sends the whole file again', async () => {
  await using home = await HubHome.open();
  const whole: Trouble = ({ path, range }, response, content) => {
    if (!path.endsWith(shard) || range === undefined) return false;
    response.writeHead(200).end(content);
    return true;
  };
  home.server.troubles.push(drop(1_200_000), whole);
  expect(readFileSync(join(await home.resolve(model), shard)).equals(shardBytes)).toBe(true);
});

test('a connection that drops again and again without new bytes ends', async () => {
  await using home = await HubHome.open();
  home.server.troubles.push(...Array.from({ length: 8 }, () => drop(0)));
  await expect(home.resolve(model)).rejects.toMatchObject({ code: 'model_hub_unreachable', retryable: true });
  expect(home.server.troubles.length).toBe(2);
});

test('overload is waited out', async () => {
  await using home = await HubHome.open();
  for (const status of [503, 429, 500]) {
    home.server.troubles.push((_, response) => {
      response.writeHead(status).end();
      return true;
    });
  }
  expect(await home.resolve(model)).toContain(shardedModel.commit);
});

test('an address that the storage no longer takes is asked for again', async () => {
  await using home = await HubHome.open();
  home.server.troubles.push(({ origin }, response) => {
    if (origin === 'storage') response.writeHead(403).end();
    return origin === 'storage';
  });
  expect(await home.resolve(model)).toContain(shardedModel.commit);
});

test('a listing without end is refused', async () => {
  await using home = await HubHome.open();
  const next = `<${home.server.url}/api/models/${model}/tree/x>; rel="next"`;
  const page: Trouble = ({ path }, response) => {
    if (path.includes('/tree/')) response.writeHead(200, { link: next }).end('[]');
    return path.includes('/tree/');
  };
  home.server.troubles.push(...Array.from({ length: 1001 }, () => page));
  await expect(home.resolve(model)).rejects.toThrow(/listing of owner\/tiny-1.5 has no end/);
});

test.each([
  ['another content', (content: Uint8Array) => Buffer.from(content).reverse()],
  ['more bytes', (content: Uint8Array) => Buffer.concat([content, Buffer.from('more')])],
  ['fewer bytes', (content: Uint8Array) => content.subarray(0, 1000)],
])('%s is never taken for the file', async (_, spoil) => {
  await using home = await HubHome.open();
  const spoiled: Trouble = ({ origin, path }, response, content) => {
    if (origin !== 'storage' || !path.endsWith(shard) || content === undefined) return false;
    response.end(spoil(content));
    return true;
  };
  home.server.troubles.push(...Array.from({ length: 30 }, () => spoiled));
  await expect(home.resolve(model)).rejects.toMatchObject({ code: 'model_hub_unreachable' });
  expect(
    home.files().filter((path) => /incomplete|config\.json$|refs/.test(path) && !path.includes('tokenizer')),
  ).toEqual([]);
  await expect(home.resolve(model, { HF_HUB_OFFLINE: '1' })).rejects.toThrow(/not whole/);
});

test('silence in the middle of a file ends at the deadline and is tried again', async () => {
  await using home = await HubHome.open();
  home.server.troubles.push(afterPart(100_000, () => {}));
  expect(await home.resolve(model, { HF_HUB_DOWNLOAD_TIMEOUT: '0.3' })).toContain(shardedModel.commit);
  expect(rangesOf(home)).toHaveLength(2);
});

test('an abort in the middle of a file leaves neither a part of it nor a connection', async () => {
  await using home = await HubHome.open();
  const stop = new AbortController();
  const closed = new Promise<void>((resolve) => {
    home.server.troubles.push(
      afterPart(100_000, (response) => {
        void once(response, 'close').then(() => resolve());
        stop.abort(new Error('enough'));
      }),
    );
  });
  await expect(home.resolve(model, {}, { signal: stop.signal })).rejects.toThrow('enough');
  await closed;
  expect(home.files().filter((path) => path.includes('incomplete'))).toEqual([]);
});

test('an abort during the pause before a retry ends it', async () => {
  await using home = await HubHome.open();
  const stop = new AbortController();
  home.server.troubles.push((_, response) => {
    response.writeHead(503, { 'retry-after': '20' }).end();
    response.once('close', () => stop.abort(new Error('enough')));
    return true;
  });
  await expect(home.resolve(model, {}, { signal: stop.signal })).rejects.toThrow('enough');
});

test('two at once do not harm each other', async () => {
  await using home = await HubHome.open();
  home.server.troubles.push(drop(1_200_000));
  const [one, other] = await Promise.all([home.resolve(model), home.resolve(model)]);
  expect(one).toBe(other);
  expect(readFileSync(join(one, shard)).equals(shardBytes)).toBe(true);
  expect(home.files().filter((path) => path.includes('incomplete'))).toEqual([]);
});

test('progress tells of each file until it is whole', async () => {
  await using home = await HubHome.open();
  const told = new Map<string, number[]>();
  await home.resolve(
    model,
    {},
    { onProgress: (file, done, total) => told.set(file, [...(told.get(file) ?? []), done / total]) },
  );
  expect([...told.keys()]).toHaveLength(6);
  for (const shares of told.values()) expect(shares.at(-1)).toBe(1);
  expect((told.get(shard) ?? []).length).toBeGreaterThan(1);
});
