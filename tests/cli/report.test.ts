import { describe, expect, test } from 'vitest';
import { curveSheet } from '../../cli/report/curves.js';
import { decodeByte } from '../../cli/report/decode-token.js';
import { lineChart } from '../../cli/report/line-chart.js';
import { renderReport } from '../../cli/report/render-report.js';
import { tellingTrajectories } from '../../cli/report/write-report.js';
import { MemoryTracker } from '../../core/trackers/memory.js';
import type { MetricsRecord, TrajectoryRecord } from '../../core/trackers/record.js';
import { exampleGroup, exampleTrajectory } from '../helpers/trajectories.js';

const attack = `<script>alert("x")</script>'"&\u0000]]>`;
const metrics: MetricsRecord[] = [1, 2, 3].map((step) => ({
  step,
  data: {
    'critic/score/mean': step / 3,
    'actor/entropy': step === 2 ? Number.NaN : 1,
    [`val-core/${attack}/mean@1`]: 0.5,
  },
}));

describe('renderReport', () => {
  test('whatever a model, a task or a metric is called cannot become markup', async () => {
    const page = renderReport({ title: attack, config: { name: attack }, metrics, trajectories: await hostile() });
    expect(page).not.toContain('<script');
    expect(page).not.toContain('\u0000');
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
  });

  test('every element is closed in its place', async () => {
    const page = renderReport({ title: 'run', config: { seed: 1 }, metrics, trajectories: await hostile() });
    expect(unclosed(page)).toEqual([]);
    expect(unclosed(curveSheet(metrics))).toEqual([]);
  });

  test('nothing is loaded from elsewhere and nothing runs', async () => {
    const page = renderReport({ title: 'run', config: {}, metrics, trajectories: await hostile() });
    expect(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|src=|<link|@import|onclick/);
  });

  test('sampled tokens carry their log-prob and weights version, others are marked as not sampled', async () => {
    const tracker = new MemoryTracker();
    await tracker.trajectories(1, 'eval', [exampleGroup()]);
    const trajectories = await tracker.readTrajectories('eval', 1);
    const page = renderReport({ title: 'run', config: {}, metrics, trajectories });
    expect(page).toContain('<span title="token 72, not sampled">H</span>');
    expect(page).toContain('<span class="sampled sure" title="token 65, log-prob -0.5, weights 3">A</span>');
    expect(page).toContain('<span class="sampled open" title="token 66, log-prob -1.25, weights 3">B</span>');
  });

  test('a failed rollout shows its failure', async () => {
    const page = renderReport({ title: 'run', config: {}, metrics, trajectories: await hostile() });
    expect(page).toContain('sandbox_died: the sandbox died');
  });

  test('an empty run gives a page all the same', () => {
    const page = renderReport({ title: 'run', config: {}, metrics: [], trajectories: [] });
    expect(page).toContain('No metrics yet.');
    expect(unclosed(page)).toEqual([]);
  });
});

describe('lineChart', () => {
  test('a point that is no number leaves a gap', () => {
    const points = [1, Number.NaN, 3, 4].map((y, x) => ({ x, y }));
    const [, path = ''] = / d="([^"]+)"/.exec(lineChart({ title: 't', series: [{ name: 's', points }] })) ?? [];
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path.match(/L/g)).toHaveLength(1);
  });

  test.each([[[]], [[5]], [[0, 0]], [[Number.NaN]], [[1e-9, 2e-9]], [[-1e9, 1e9]]])(
    'values %j give finite coordinates',
    (values) => {
      const points = values.map((y, x) => ({ x, y }));
      expect(lineChart({ title: 't', series: [{ name: 's', points }] })).not.toMatch(/="[^"]*(NaN|Infinity)/);
    },
  );
});

test('episodes shown: best, worst and a failure of the first, middle and last evaluation', async () => {
  const tracker = new MemoryTracker();
  const groups = [0.5, 1, 0].map((value) => exampleGroup(exampleTrajectory({ reward: { value, parts: {} } })));
  for (const step of [0, 10, 20, 30, 40]) await tracker.trajectories(step, 'eval', groups);
  await tracker.trajectories(39, 'train', groups);
  const told = await tellingTrajectories(tracker);
  expect(told.map((one) => one.step)).toEqual([0, 0, 0, 20, 20, 20, 40, 40, 40]);
  expect(told.slice(0, 3).map((one) => (one.status === 'scored' ? one.reward.value : one.status))).toEqual([
    1,
    0,
    'failed',
  ]);
});

test.each([
  [65, 'A'],
  [10, '↵\n'],
  [200, '⟨200⟩'],
  [300, '⟨300⟩'],
])('token %d is shown as %j', (token, text) => {
  expect(decodeByte(token)).toBe(text);
});

async function hostile(): Promise<TrajectoryRecord[]> {
  const tracker = new MemoryTracker();
  const messages = [
    { role: 'user', content: attack },
    { role: 'assistant', content: attack, toolCalls: [{ name: attack, arguments: { code: attack } }] },
    { role: 'tool', name: attack, content: attack },
  ] as const;
  const reward = { value: 1, parts: { [attack]: 1 } };
  await tracker.trajectories(1, 'eval', [exampleGroup(exampleTrajectory({ taskId: attack, messages, reward }))]);
  return tracker.readTrajectories('eval', 1);
}

/** Tags opened and not closed, or closed out of turn. */
function unclosed(markup: string): string[] {
  const open: string[] = [];
  for (const [tag, slash, name = '', selfClosing] of markup.matchAll(/<(\/?)([a-z][a-z0-9]*)(?:\s[^<>]*?)?(\/?)>/gi)) {
    if (slash === '/') {
      if (open.pop() !== name) return [`${tag} closes nothing`];
    } else if (selfClosing !== '/') open.push(name);
  }
  return open;
}
