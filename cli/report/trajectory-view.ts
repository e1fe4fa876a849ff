import type { ScoredRecord, TrajectoryRecord } from '../../core/trackers/record.js';
import { formatNumber } from '../text.js';
import type { DecodeToken } from './decode-token.js';
import { escapeMarkup } from './markup.js';

type Sequence = ScoredRecord['sequences'][number];
type Message = ScoredRecord['messages'][number];

/** One rollout as a folded element: the conversation, the tokens as the engine saw them, or the failure. */
export function trajectoryView(record: TrajectoryRecord, decode: DecodeToken): string {
  const title = `${record.split} step ${record.step} · ${record.task.id} · #${record.member}`;
  if (record.status !== 'scored') {
    const sentence = record.status === 'failed' ? `${record.failure.code}: ${record.failure.message}` : record.reason;
    return fold(`${escapeMarkup(title)} · <b class="bad">${record.status}</b>`, `<p>${escapeMarkup(sentence)}</p>`);
  }
  const { reward, stopReason, messages, sequences } = record;
  const parts = Object.entries(reward.parts).map(([name, value]) => `${name} ${formatNumber(value)}`);
  const mood = reward.value > 0 ? 'good' : 'bad';
  const summary = `<b class="${mood}">reward ${formatNumber(reward.value)}</b> · ${escapeMarkup([stopReason, ...parts].join(' · '))}`;
  const body = [...messages.map(messageView), ...sequences.map((sequence) => tokensView(sequence, decode))].join('');
  return fold(`${escapeMarkup(title)} · ${summary}`, body);
}

function fold(summary: string, body: string): string {
  return `<details class="trajectory"><summary>${summary}</summary>${body}</details>`;
}

function messageView({ role, content, name, toolCalls = [] }: Message): string {
  const label = name === undefined ? role : `${role} ${name}`;
  const calls = toolCalls.map(
    (call) => `<pre class="call">${escapeMarkup(`${call.name}(${JSON.stringify(call.arguments, null, 1)})`)}</pre>`,
  );
  const said = content === '' ? '' : `<pre>${escapeMarkup(content)}</pre>`;
  return `<div class="message ${role}"><span class="role">${escapeMarkup(label)}</span>${said}${calls.join('')}</div>`;
}

function tokensView({ tokens, mask, logprobs, versions }: Sequence, decode: DecodeToken): string {
  const spans = tokens.map((token, index) => {
    const text = escapeMarkup(decode(token));
    if (mask[index] !== 1) return `<span title="token ${token}, not sampled">${text}</span>`;
    const logprob = logprobs[index] ?? Number.NaN;
    const told = `token ${token}, log-prob ${formatNumber(logprob)}, weights ${versions[index]}`;
    return `<span class="sampled ${surprise(logprob)}" title="${told}">${text}</span>`;
  });
  return `<details><summary>${tokens.length} tokens, ${mask.filter((m) => m === 1).length} sampled</summary><pre class="tokens">${spans.join('')}</pre></details>`;
}

/** Three shades: the policy was sure (above one half), undecided, surprised (below one in ten). */
function surprise(logprob: number): string {
  if (logprob > Math.log(0.5)) return 'sure';
  return logprob > Math.log(0.1) ? 'open' : 'rare';
}
