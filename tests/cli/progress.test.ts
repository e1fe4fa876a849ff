import { describe, expect, test } from 'vitest';
import { isWatched, Progress } from '../../cli/progress.js';
import { renderStatus, type Status } from '../../cli/status.js';
import { CollectingStream } from '../helpers/cli.js';
import { exampleTrajectory } from '../helpers/trajectories.js';

const status: Status = {
  phase: 'train',
  step: 5,
  total: 20,
  elapsedMs: 10_000,
  stepsDone: 5,
  curve: [0.1, 0.2, 0.4],
  metrics: { 'critic/score/mean': 0.4, 'actor/entropy': 1.25, 'perf/throughput': 12345 },
  lastEval: { step: 4, name: 'val-core/sum/reward/mean@1', value: 0.3 },
};

describe('renderStatus', () => {
  test('shows phase, bar, count, times, score, evaluation and numbers', () => {
    expect(renderStatus(status, 80)).toEqual([
      'train  ███████▌░░░░░░░░░░░░░░░░░░░░░░  5/20  10s gone, 30s left',
      'score  ▁▃█  0.4   eval 0.3 at 4',
      'entropy 1.25   tokens/s 12,345',
    ]);
  });

  test.each([10, 20, 40, 200])('no line is longer than %d columns', (width) => {
    for (const line of renderStatus(status, width)) expect([...line].length).toBeLessThanOrEqual(width);
  });

  test('before the first step there is neither rest nor score', () => {
    const fresh: Status = {
      phase: 'warm start',
      step: 0,
      total: 8,
      elapsedMs: 0,
      stepsDone: 0,
      curve: [],
      metrics: {},
    };
    expect(renderStatus(fresh, 60)).toEqual(['warm start  ░░░░░░░░░░░░░░░░░░░░░░░░  0/8  0.0s gone, ? left']);
  });

  test('a resumed run reckons with the steps it did itself', () => {
    const [line] = renderStatus({ ...status, step: 15, stepsDone: 5 }, 80);
    expect(line).toContain('15/20  10s gone, 10s left');
  });
});

describe('on a terminal', () => {
  test('the block is redrawn where it stood', () => {
    const { stream, progress } = watch({ isTty: true });
    progress.phase('train', 3);
    progress.step(1, { 'critic/score/mean': 0.5 });
    progress.step(2, { 'critic/score/mean': 0.75 });
    const lines = screenOf(stream.text);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^train {2}█+.?░+ {2}2\/3 {2}/);
    expect(lines[1]).toBe('score  ▁█  0.75');
  });

  test('notes and samples stay above the block, which stays whole', () => {
    const { stream, progress } = watch({ isTty: true });
    progress.phase('train', 3);
    progress.step(1, { 'critic/score/mean': 0.5 });
    progress.note('12:00 warn redis_slow');
    progress.sample(exampleTrajectory());
    const lines = screenOf(stream.text);
    expect(lines[0]).toBe('12:00 warn redis_slow');
    expect(lines.at(-3)).toBe('reward 1  correct 1, format 0.5, terminated');
    expect(lines.at(-2)).toMatch(/^train /);
    expect(lines.at(-1)).toBe('score  ▅  0.5');
  });

  test('a new phase begins a new curve and keeps the last evaluation', () => {
    const { stream, progress } = watch({ isTty: true });
    progress.phase('warm start', 1);
    progress.step(0, { 'train/loss': 3, 'val-core/sum/reward/mean@1': 0.25 });
    progress.phase('train', 3);
    expect(screenOf(stream.text).at(-1)).toBe('eval 0.25 at 0');
  });

  test('after done, the block stands and what follows goes below it', () => {
    const { stream, progress } = watch({ isTty: true });
    progress.phase('train', 1);
    progress.step(1, { 'critic/score/mean': 1 });
    progress.done();
    progress.note('bye');
    expect(screenOf(stream.text).slice(-2)).toEqual(['score  ▅  1', 'bye']);
  });
});

describe('elsewhere', () => {
  test('every event is one plain line', () => {
    const { stream, progress } = watch({ isTty: false });
    progress.phase('train', 2);
    progress.step(1, { 'critic/score/mean': 0.5, 'actor/entropy': 1.25 });
    progress.note('hello');
    progress.step(2, { 'val-core/sum/reward/mean@1': 0.5 });
    progress.done();
    expect(stream.text).toBe(
      'train: 2 steps\nstep 1/2 critic/score/mean=0.5 actor/entropy=1.25\nhello\n' +
        'step 2/2 val-core/sum/reward/mean@1=0.5\ntrain: done after 3.0s\n',
    );
  });

  test('a sample is shown without escapes', () => {
    const { stream, progress } = watch({ isTty: false });
    const messages = [{ role: 'assistant', content: '\u001b[2Jboo' }] as const;
    progress.sample(exampleTrajectory({ messages }));
    expect(stream.text).toContain('assistant    \u{fffd}[2Jboo\n');
    expect(stream.text).not.toContain('\u001b');
  });
});

test.each([
  [true, {}, true],
  [true, { NO_COLOR: '1' }, false],
  [true, { CI: 'true' }, false],
  [true, { TERM: 'dumb' }, false],
  [false, {}, false],
])('a stream with isTTY %s and environment %j is watched: %s', (isTTY, env, watched) => {
  expect(isWatched(new CollectingStream({ isTTY }), env)).toBe(watched);
});

/** A clock that goes one second on with each look. */
function watch({ isTty }: { isTty: boolean }): { stream: CollectingStream; progress: Progress } {
  let seconds = 0;
  const stream = new CollectingStream({ isTTY: isTty, columns: 80 });
  return { stream, progress: new Progress(stream, { isTty, now: () => 1000 * ++seconds }) };
}

/** What a terminal would show after this output; colours left out. */
function screenOf(text: string): string[] {
  const pattern = /␛\[(\d*)([A-Za-z])|\n|[^␛\n]+/g;
  const lines = [''];
  let row = 0;
  for (const [part, count, command] of text.replaceAll('\u001b', '␛').matchAll(pattern)) {
    if (command === 'A') row -= Number(count);
    else if (command === 'J') lines.splice(row, lines.length - row, '');
    else if (part === '\n') lines[++row] ??= '';
    else if (command === undefined) lines[row] += part;
  }
  return lines.slice(0, -1);
}

test('plain text tells the first and the last of many warm-start steps and some between', () => {
  const stream = new CollectingStream();
  const progress = new Progress(stream, { isTty: false, now: () => 0 });
  progress.phase('warm start', 100);
  for (let step = 1; step <= 100; step++) progress.step(step, { 'train/loss': 1 });
  const told = [...stream.text.matchAll(/^step (\d+)\/100 /gm)].map((match) => Number(match[1]));
  expect(told).toEqual([1, ...Array.from({ length: 20 }, (_, i) => 5 * (i + 1))]);
});
