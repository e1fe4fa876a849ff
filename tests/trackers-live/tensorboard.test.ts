import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openTrackers } from '../../core/trackers/open-trackers.js';
import { TemporaryFolder } from '../helpers/temporary-folder.js';
import { trackersContext } from '../helpers/tracker-context.js';
import { askPython, needsPython, servePython, trackersPython } from '../helpers/trackers-python.js';
import { exampleGroup } from '../helpers/trajectories.js';

const accumulate = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0, 'tensors': 0})
events.Reload()
tags = events.Tags()
print(json.dumps({
  'scalars': {tag: [[e.step, str(e.value)] for e in events.Scalars(tag)] for tag in tags['scalars']},
  'texts': {tag: [[e.step, [t.decode() for t in e.tensor_proto.string_val]] for e in events.Tensors(tag)] for tag in tags['tensors']},
  'plugin': events.SummaryMetadata('config').plugin_data.plugin_name,
}))`;

/** Logs the steps as one session of the run in the folder. */
async function session(folder: string, steps: readonly number[], resumedAt?: number): Promise<void> {
  const { context } = trackersContext(folder, resumedAt === undefined ? {} : { resumedAt });
  const { signal } = new AbortController();
  await using trackers = await openTrackers([{ name: 'tensorboard', samples: 2 }], context, signal);
  for (const step of steps) {
    await trackers.log(step, { 'critic/score/mean': step / 4, 'actor/pg_loss': step === 2 ? Number.NaN : -1 });
    await trackers.trajectories(step, 'train', [exampleGroup()]);
  }
}

describe.runIf(trackersPython)(`TensorBoard itself (${needsPython})`, () => {
  test('its accumulator reads every scalar and text', async () => {
    using folder = new TemporaryFolder();
    await session(folder.path, [1, 2, 3]);
    const read = await askPython(accumulate, [join(folder.path, 'tensorboard')]);
    expect(read).toMatchObject({
      scalars: {
        'critic/score/mean': [
          [1, '0.25'],
          [2, '0.5'],
          [3, '0.75'],
        ],
        'actor/pg_loss': [
          [1, '-1.0'],
          [2, 'nan'],
          [3, '-1.0'],
        ],
      },
      texts: { config: [[0, [expect.stringContaining('lr: 0.001')]]] },
      plugin: 'text',
    });
    expect(read).toHaveProperty('texts.generations/train.0.1.0', expect.stringContaining('What is 2+2?'));
  });

  test('after a resume it shows each step once', async () => {
    using folder = new TemporaryFolder();
    await session(folder.path, [1, 2, 3, 4]);
    await session(folder.path, [3], 2);
    const read = await askPython(accumulate, [join(folder.path, 'tensorboard')]);
    expect(read).toHaveProperty('scalars.critic/score/mean', [
      [1, '0.25'],
      [2, '0.5'],
      [3, '0.75'],
    ]);
  });

  test.each(['true', 'false'])('its server shows the run (fast loader: %s)', async (loadFast) => {
    using folder = new TemporaryFolder();
    await session(folder.path, [1, 2, 3]);
    await session(folder.path, [3, 4], 2);
    const args = ['--logdir', folder.path, '--load_fast', loadFast];
    await using server = await servePython('tensorboard.main', args, '/data/environment');
    const query = 'run=tensorboard&tag=critic%2Fscore%2Fmean';
    const scalars = await untilFound(`${server.url}/data/plugin/scalars/scalars?${query}`);
    expect(scalars).toEqual([1, 2, 3, 4].map((step) => [expect.any(Number), step, step / 4]));
    const text = await untilFound(`${server.url}/data/plugin/text/text?run=tensorboard&tag=generations%2Ftrain`);
    expect(JSON.stringify(text)).toContain('What is 2+2?');
  });
});

/** The server reads its files in the background: until it has, the run or tag is not found. */
async function untilFound(url: string): Promise<unknown> {
  for (;;) {
    const response = await fetch(url);
    if (response.ok) {
      const data: unknown = await response.json();
      if (Array.isArray(data) && data.length > 0) return data;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
