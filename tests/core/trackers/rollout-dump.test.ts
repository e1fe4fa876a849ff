import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MemoryTracker } from '../../../core/trackers/memory.js';
import { rolloutDump } from '../../../core/trackers/rollout-dump.js';
import type { Message, Trajectory, TrajectoryGroup } from '../../../core/types.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';
import { exampleGroup, exampleTrajectory } from '../../helpers/trajectories.js';

test("a row has verl's columns, every part of the reward, and what was sampled", async () => {
  const [row] = await dumped([exampleGroup()]);
  expect(row).toEqual({
    input: 'user: What is 2+2?',
    output:
      'Let me see.\n<tool_call>{"name":"python","arguments":{"code":"print(2+2)"}}</tool_call>\n\ntool: 4\n\nassistant: 4',
    gts: { a: 2, b: 2 },
    score: 1,
    step: 7,
    correct: 1,
    format: 0.5,
    data_source: 'sum',
    uid: 'sum-1',
    member: 0,
    stop_reason: 'terminated',
    num_turns: 0,
    turns: exampleTrajectory().turns,
    tool_errors: [],
    tokens: [[72, 105, 65, 66, 67, 52]],
    mask: [[0, 0, 1, 1, 0, 1]],
    logprobs: [[0, 0, -0.5, -1.25, 0, -0.125]],
    versions: [[-1, -1, 3, 3, -1, 3]],
  });
});

test('only scored rollouts are samples, and a member keeps its place in the group', async () => {
  const { task, outcomes } = exampleGroup();
  const rows = await dumped([{ task, outcomes: [...outcomes].reverse() }, exampleGroup()]);
  expect(rows.map(({ member }) => member)).toEqual([2, 0]);
});

test('the output of a single turn is exactly what the model wrote', async () => {
  const [row] = await dumpedMessages([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: '2+2?' },
    { role: 'assistant', content: '4' },
  ]);
  expect(row).toMatchObject({ input: 'system: Be brief.\n\nuser: 2+2?', output: '4' });
});

test('examples of answers in the prompt belong to the input', async () => {
  const [row] = await dumpedMessages([
    { role: 'user', content: '1+1?' },
    { role: 'assistant', content: '2' },
    { role: 'user', content: '2+2?' },
    { role: 'assistant', content: '4' },
  ]);
  expect(row).toMatchObject({ input: 'user: 1+1?\n\nassistant: 2\n\nuser: 2+2?', output: '4' });
});

test('an episode that ended before its first turn has no output', async () => {
  const messages: Message[] = [{ role: 'user', content: '2+2?' }];
  const [row] = await dumpedTrajectory({ messages, turns: [] });
  expect(row).toMatchObject({ input: 'user: 2+2?', output: '' });
});

test("the model's mistakes with tools are listed with their turn", async () => {
  const failed = { name: 'python', durationMs: 3, error: 'timeout' } as const;
  const action = { start: 2, end: 4 };
  const turns = [
    { sequence: 0, action, toolCalls: [{ name: 'python', durationMs: 1 }] },
    { sequence: 0, action, toolCalls: [failed] },
  ];
  const [row] = await dumpedTrajectory({ turns });
  expect(row).toMatchObject({ tool_errors: [{ turn: 1, name: 'python', error: 'timeout' }] });
});

test('a part of the reward cannot take the place of a column', async () => {
  const [row] = await dumpedTrajectory({ reward: { value: 1, parts: { score: 5, tokens: 6 }, pred: '4' } });
  expect(row).toMatchObject({ score: 1, tokens: [[72, 105, 65, 66, 67, 52]], pred: '4' });
});

test('a log-prob JSON cannot say is written as text', async () => {
  const sequences = [{ tokens: [1], mask: [1], logprobs: [Number.NEGATIVE_INFINITY], versions: [0] }] as const;
  const [row] = await dumpedTrajectory({ sequences });
  expect(row).toMatchObject({ logprobs: [['-Infinity']] });
});

test('a step is one file that writing again replaces; the other split and metrics leave nothing', async () => {
  using folder = new TemporaryFolder();
  const dump = rolloutDump(folder.path, 'eval');
  await dump.trajectories(1, 'train', [exampleGroup()]);
  await dump.log(1, { a: 1 });
  expect(readdirSync(folder.path)).toEqual([]);
  await dump.trajectories(10, 'eval', [exampleGroup(), exampleGroup()]);
  await dump.trajectories(10, 'eval', [exampleGroup()]);
  expect(readdirSync(folder.path)).toEqual(['10.jsonl']);
  expect(readRows(folder.path, 10)).toHaveLength(1);
});

test('the directory is made when the first step is written', async () => {
  using folder = new TemporaryFolder();
  const directory = join(folder.path, 'a', 'b');
  const dump = rolloutDump(directory, 'train');
  expect(existsSync(directory)).toBe(false);
  await dump.trajectories(1, 'train', []);
  expect(readRows(directory, 1)).toEqual([]);
});

test('turn rewards and judged answers come back from the records of a run', async () => {
  const action = { start: 2, end: 4 };
  const trajectory = exampleTrajectory({
    turns: [{ sequence: 0, action, toolCalls: [], reward: 0.25 }],
    reward: { value: 1, parts: {}, pred: '4' },
  });
  const tracker = new MemoryTracker();
  await tracker.trajectories(1, 'train', [exampleGroup(trajectory)]);
  const [record] = await tracker.readTrajectories('train', 1);
  expect(record).toMatchObject({ turns: trajectory.turns, reward: trajectory.reward });
});

type Row = { readonly [column: string]: unknown };

async function dumped(groups: readonly TrajectoryGroup[]): Promise<readonly Row[]> {
  using folder = new TemporaryFolder();
  await rolloutDump(folder.path, 'train').trajectories(7, 'train', groups);
  return readRows(folder.path, 7);
}

function dumpedTrajectory(changes: Partial<Trajectory>): Promise<readonly Row[]> {
  return dumped([exampleGroup(exampleTrajectory(changes))]);
}

/** Of an episode of one turn. */
function dumpedMessages(messages: readonly Message[]): Promise<readonly Row[]> {
  return dumpedTrajectory({ messages, turns: exampleTrajectory().turns.slice(0, 1) });
}

function readRows(directory: string, step: number): Row[] {
  const lines = readFileSync(join(directory, `${step}.jsonl`), 'utf8')
    .split('\n')
    .slice(0, -1);
  return lines.map((line) => JSON.parse(line));
}
