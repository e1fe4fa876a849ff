import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { policyLossSettings } from '../../core/algorithms.js';
import * as core from '../../core/public.js';
import { rewardModelConfig } from '../../core/reward-models/config.js';
import { HttpRewardModel } from '../../core/reward-models/http.js';
import { never, temporaryDirectory } from '../helpers/tiny-policy.js';
import { exampleGroup, exampleTrajectory } from '../helpers/trajectories.js';

const page = readFileSync(fileURLToPath(new URL('../../docs/rewards.md', import.meta.url)), 'utf8');

test('the server on the page scores', async () => {
  await using directory = await temporaryDirectory();
  const program = join(directory.path, 'server.mjs');
  await writeFile(program, /```js\n(.*?)```/s.exec(page)?.[1] ?? '');
  const child = spawn(process.execPath, [program, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [url] = await once(createInterface({ input: child.stdout }), 'line');
    const config = rewardModelConfig.parse({ name: 'http', url });
    if (config.name !== 'http') throw new Error(config.name);
    await using model = new HttpRewardModel(config, { env: {} });
    const episode = { task: exampleGroup().task, trajectory: exampleTrajectory() };
    expect(await model.judge([episode, episode], never)).toEqual([-1, -1]);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});

test('every reward model is on the page, and every name that its program takes from the package is there', () => {
  for (const { shape } of rewardModelConfig.options) expect(page).toContain(`| \`${shape.name.value}\``);
  const used = [...page.matchAll(/verlet\.(\w+)/g)].map((match) => match[1] ?? '');
  expect(used.filter((name) => !(name in core))).toEqual([]);
  expect(used).toContain('trainRewardModel');
});

test('its preference losses are rows of the table', () => {
  const names = policyLossSettings.options.map(({ shape }) => shape.name.value);
  for (const name of ['dpo', 'sppo', 'sft'] as const) {
    expect(names).toContain(name);
    expect(page).toContain(`| \`${name}\``);
  }
});
