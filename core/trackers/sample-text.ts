import type { Message, Trajectory, TrajectoryGroup } from '../types.js';

const maxCharacters = 20_000;

/** The first scored episodes of the groups as Markdown, one a group until there are `count` or no group is left. */
export function sampleTexts(groups: readonly TrajectoryGroup[], count: number): string[] {
  const firsts = groups.flatMap(({ outcomes }) => outcomes.find(({ status }) => status === 'scored') ?? []);
  return firsts
    .slice(0, count)
    .flatMap((outcome) => (outcome.status === 'scored' ? [episodeText(outcome.trajectory)] : []));
}

/** Reward, end and messages; a long episode is cut at the end. */
function episodeText({ taskId, reward, stopReason, messages }: Trajectory): string {
  const head = `**${taskId}** reward ${reward.value}, ${stopReason}`;
  const text = messages.map(messageText).join('\n\n');
  return `${head}\n\n${fenced(text.length > maxCharacters ? `${text.slice(0, maxCharacters)} …` : text)}`;
}

function messageText({ role, name, content, toolCalls = [] }: Message): string {
  const calls = toolCalls.map((call) => `\n-> ${call.name} ${JSON.stringify(call.arguments)}`);
  return `[${name === undefined ? role : `${role} ${name}`}]\n${content}${calls.join('')}`;
}

/** As a code block whose fence is longer than any in the text: what a model wrote is shown, not rendered. */
export function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
