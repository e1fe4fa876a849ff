import type { Message, Trajectory } from '../core/types.js';
import type { Colors } from './status.js';
import { formatNumber, printable } from './text.js';

/** One episode for people: who said what, which tools were called and answered what, the reward. */
export function renderSample(trajectory: Trajectory, colors: Colors): string[] {
  const { messages, reward, stopReason, taskId } = trajectory;
  const parts = Object.entries(reward.parts).map(([name, value]) => `${name} ${formatNumber(value)}`);
  const paint = reward.value > 0 ? colors.green : colors.red;
  return [
    colors.dim(`── sample: ${printable(taskId)} ${'─'.repeat(20)}`),
    ...messages.flatMap((message) => renderMessage(message, colors)),
    `${paint(`reward ${formatNumber(reward.value)}`)}${colors.dim(`  ${[...parts, stopReason].join(', ')}`)}`,
  ];
}

function renderMessage(message: Message, colors: Colors): string[] {
  const { role, content, name, toolCalls = [] } = message;
  const paints = { system: colors.dim, user: colors.cyan, assistant: colors.green, tool: colors.yellow };
  const label = paints[role]((name === undefined ? role : `${role} ${printable(name)}`).padEnd(12));
  const calls = toolCalls.map((call) =>
    colors.magenta(`call ${printable(call.name)} ${printable(compact(call.arguments))}`),
  );
  const [first = '', ...rest] = [...shorten(content), ...calls];
  return [`${label} ${first}`, ...rest.map((line) => `${' '.repeat(12)} ${line}`)];
}

function compact(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}

function shorten(content: string): string[] {
  const lines = content === '' ? [] : printable(content).split('\n');
  const shown = lines.slice(0, 8).map((line) => (line.length > 200 ? `${line.slice(0, 197)}...` : line));
  return lines.length > 8 ? [...shown, `... ${lines.length - 8} more lines`] : shown;
}
