import { join } from 'node:path';
import type { Message, Task, Tracker, Trajectory } from '../types.js';
import { writeAtomically } from '../write-atomically.js';
import { type TrackedSplit, toLine } from './record.js';

/**
 * Writes the samples of one split as verl's dumps do: `directory/{step}.jsonl`, one row a scored rollout, in the order of groups and
 * members. Columns of verl: input, output, gts (the task's data), score, step and every part of the reward. Beyond verl: data_source,
 * uid (the task's id), member, pred, stop_reason, turns, num_turns, tool_errors and, one list a sequence, tokens, mask, logprobs and
 * versions. A part whose name is a column's is left out. A step told again replaces its file; metrics are not written.
 */
export function rolloutDump(directory: string, split: TrackedSplit): Tracker {
  return {
    async log() {},
    async trajectories(step, told, groups) {
      if (told !== split) return;
      const lines = groups.flatMap((group) =>
        group.outcomes.flatMap((outcome, member) =>
          outcome.status === 'scored'
            ? [toLine(row({ step, task: group.task, member, trajectory: outcome.trajectory }))]
            : [],
        ),
      );
      await writeAtomically(join(directory, `${step}.jsonl`), lines.map((line) => `${line}\n`).join(''));
    },
  };
}

interface Sample {
  readonly step: number;
  readonly task: Task;
  readonly member: number;
  readonly trajectory: Trajectory;
}

function row({ step, task, member, trajectory }: Sample): object {
  const { reward, sequences, stopReason, turns } = trajectory;
  const boundary = firstAnswer(trajectory);
  return {
    ...reward.parts,
    input: trajectory.messages.slice(0, boundary).map(labelled).join('\n\n'),
    output: answerText(trajectory.messages.slice(boundary)),
    gts: task.data,
    score: reward.value,
    step,
    data_source: trajectory.dataSource,
    uid: task.id,
    member,
    ...(reward.pred === undefined ? {} : { pred: reward.pred }),
    stop_reason: stopReason,
    num_turns: trajectory.metrics.num_turns ?? 0,
    turns,
    tool_errors: toolErrors(trajectory),
    tokens: sequences.map(({ tokens }) => tokens),
    mask: sequences.map(({ mask }) => mask),
    logprobs: sequences.map(({ logprobs }) => logprobs),
    versions: sequences.map(({ versions }) => versions),
  };
}

/** Where the prompt ends: a turn is one message of the assistant, and examples in the prompt come before all turns. */
function firstAnswer({ messages, turns }: Trajectory): number {
  const answers = messages.flatMap(({ role }, index) => (role === 'assistant' ? [index] : []));
  return answers[Math.max(0, answers.length - turns.length)] ?? messages.length;
}

/** The first message is the assistant's and stands without its label: the output of a single turn is what the model wrote. */
function answerText([first, ...rest]: readonly Message[]): string {
  return first === undefined ? '' : [text(first), ...rest.map(labelled)].join('\n\n');
}

function labelled(message: Message): string {
  return `${message.role}: ${text(message)}`;
}

function text({ content, toolCalls = [] }: Message): string {
  const calls = toolCalls.map((call) => `<tool_call>${JSON.stringify(call)}</tool_call>`);
  return [...(content === '' ? [] : [content]), ...calls].join('\n');
}

function toolErrors({ turns }: Trajectory): readonly object[] {
  return turns.flatMap(({ toolCalls }, turn) =>
    toolCalls.flatMap(({ name, error }) => (error === undefined ? [] : [{ turn, name, error }])),
  );
}
