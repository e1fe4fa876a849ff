import { expect, test } from 'vitest';
import { encodeUpdate } from '../../../rollout/policy-server/update-frames.js';
import { listen, sampling, trainSequence, updateOptions } from '../../helpers/policy-server.js';

const generateBodies: [name: string, body: unknown, sentence: RegExp][] = [
  ['no tokens', { sampling }, /^tokens: /],
  ['empty tokens', { tokens: [], sampling }, /^tokens: /],
  ['a token that is no integer', { tokens: [1.5], sampling }, /^tokens\.0: /],
  ['a negative token', { tokens: [-1], sampling }, /^tokens\.0: /],
  ['no sampling', { tokens: [1] }, /^sampling: /],
  ['a negative temperature', { tokens: [1], sampling: { ...sampling, temperature: -1 } }, /^sampling\.temperature: /],
  ['maxTokens 0', { tokens: [1], sampling: { ...sampling, maxTokens: 0 } }, /^sampling\.maxTokens: /],
  ['an unknown key', { tokens: [1], sampling, topK: 3 }, /topK/],
  ['no object', 'hello', /expected object/i],
];

for (const [name, body, sentence] of generateBodies) {
  test(`a generate body with ${name} is a bad request in one sentence`, async () => {
    await using server = await listen();
    const { status, failure } = await post(server.url, '/generate', 'application/json', JSON.stringify(body));
    expect(status).toBe(400);
    expect(failure).toMatchObject({ code: 'bad_request', retryable: false, message: expect.stringMatching(sentence) });
  });
}

test('a body that is not JSON is a bad request', async () => {
  await using server = await listen();
  const { status, failure } = await post(server.url, '/generate', 'application/json', '{"tokens": [1');
  expect(status).toBe(400);
  expect(failure.code).toBe('bad_request');
});

test('an unknown path and an unknown content type are bad requests', async () => {
  await using server = await listen();
  expect(await post(server.url, '/sample', 'application/json', '{}')).toMatchObject({
    status: 404,
    failure: { code: 'bad_request', message: 'there is no POST /sample' },
  });
  expect(await post(server.url, '/generate', 'text/csv', '1,2')).toMatchObject({
    status: 415,
    failure: { code: 'bad_request' },
  });
});

test('an update that is cut off is a bad request wherever the cut is', async () => {
  await using server = await listen();
  const body = Buffer.concat([...encodeUpdate([trainSequence(3)], updateOptions)]);
  for (const length of [0, 2, 10, body.length - 70, body.length - 1]) {
    const { status, failure } = await post(server.url, '/update', 'application/octet-stream', body.subarray(0, length));
    expect({ length, status, code: failure.code }).toEqual({ length, status: 400, code: 'bad_request' });
  }
});

test('an update with bad options, a bad length or a number that is not finite says so', async () => {
  await using server = await listen();
  const [header, sequence] = [...encodeUpdate([trainSequence(3)], updateOptions)];
  const odd = Buffer.from([2, 0, 0, 0, 1, 1]);
  const wrong = [...encodeUpdate([], { ...updateOptions, ppoEpochs: 0 })];
  const infinite = [...encodeUpdate([trainSequence(3, Number.POSITIVE_INFINITY)], updateOptions)];
  const messages = await Promise.all(
    [[header!, odd], wrong, infinite, [sequence!]].map(async (frames) => {
      const { failure } = await post(server.url, '/update', 'application/octet-stream', Buffer.concat(frames));
      return failure.message;
    }),
  );
  expect(messages[0]).toBe('sequence 0 has 2 bytes, too few');
  expect(messages[1]).toMatch(/^options\.ppoEpochs: /);
  expect(messages[2]).toBe('sequence 0 has Infinity among its advantages');
  expect(messages[3]).toMatch(/^the frame with options is not JSON/);
});

test('an update as JSON is a bad request', async () => {
  await using server = await listen();
  const { status, failure } = await post(server.url, '/update', 'application/json', '{"sequences": []}');
  expect(status).toBe(400);
  expect(failure.message).toBe('sequences are sent as application/octet-stream');
});

async function post(url: string, path: string, type: string, body: string | Uint8Array<ArrayBuffer>) {
  const response = await fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': type }, body });
  const { failure } = await response.json();
  return { status: response.status, failure };
}
