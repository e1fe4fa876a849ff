import { afterEach, beforeEach, expect, test } from 'vitest';
import { log, setLogSink } from '../../core/log.js';

const level = process.env.VERLET_LOG;
let lines: string[];
beforeEach(() => {
  lines = [];
  setLogSink((line) => void lines.push(line));
});
afterEach(() => {
  setLogSink();
  if (level === undefined) delete process.env.VERLET_LOG;
  else process.env.VERLET_LOG = level;
});

test('an event is one line of time, level, name and fields, quoted where they hold spaces', () => {
  delete process.env.VERLET_LOG;
  log('warn', 'rollout_failed', { task: 'gsm8k-12', text: 'two words\n"x"', count: 2, final: false });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z warn rollout_failed task=gsm8k-12 /);
  expect(lines[0]).toMatch(/ text="two words\\n\\"x\\"" count=2 final=false$/);
});

test('lines below VERLET_LOG are dropped, and an unknown level counts as warn', () => {
  process.env.VERLET_LOG = 'info';
  log('debug', 'a');
  log('info', 'b');
  process.env.VERLET_LOG = 'loud';
  log('info', 'c');
  log('warn', 'd');
  expect(lines.map((line) => line.split(' ')[2])).toEqual(['b', 'd']);
});
