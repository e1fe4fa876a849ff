import pc from 'picocolors';
import type { Metrics } from '../core/types.js';
import { bar, formatDuration, formatNumber, sparkline } from './text.js';

/** What the status block is drawn from. */
export interface Status {
  readonly phase: string;
  readonly step: number;
  readonly total: number;
  readonly elapsedMs: number;
  /** Steps done since the phase began here; a resumed run began later than step 0. */
  readonly stepsDone: number;
  /** Mean score (or loss, in a phase without scores) of each step so far. */
  readonly curve: readonly number[];
  readonly metrics: Metrics;
  readonly lastEval?: { readonly step: number; readonly name: string; readonly value: number };
}

export type Colors = ReturnType<typeof pc.createColors>;
type Segment = readonly [text: string, paint?: (text: string) => string];

/** The lines of the block, none longer than `width` columns. */
export function renderStatus(status: Status, width: number, colors: Colors = pc.createColors(false)): string[] {
  const lines = [progressLine(status, width, colors), curveLine(status, width, colors), numbersLine(status, colors)];
  return lines.filter((line) => line.length > 0).map((line) => clip(line, width));
}

/** The key of the step's score, or of its loss where nothing is scored. */
export function curveKey(metrics: Metrics): string | undefined {
  return ['critic/score/mean', 'train/loss', 'actor/pg_loss'].find((key) => metrics[key] !== undefined);
}

/** The evaluation's headline: the mean of the core variable. */
export function evalKey(metrics: Metrics): string | undefined {
  const keys = Object.keys(metrics).filter((key) => key.startsWith('val-core/'));
  return keys.find((key) => key.includes('/mean@')) ?? keys[0];
}

function progressLine(status: Status, width: number, colors: Colors): Segment[] {
  const { phase, step, total, elapsedMs, stepsDone } = status;
  const left = stepsDone > 0 ? (elapsedMs / stepsDone) * Math.max(0, total - step) : Number.NaN;
  const count = total > 0 ? `${step}/${total}` : String(step);
  const times = `${formatDuration(elapsedMs)} gone, ${step >= total && total > 0 ? 'done' : `${formatDuration(left)} left`}`;
  const room = width - phase.length - count.length - times.length - 6;
  const cells = Math.min(30, room);
  const drawn: Segment[] = cells >= 5 && total > 0 ? [[bar(step, total, cells), colors.cyan], ['  ']] : [];
  return [[phase, colors.bold], ['  '], ...drawn, [count], ['  '], [times, colors.dim]];
}

function curveLine({ curve, metrics, lastEval }: Status, width: number, colors: Colors): Segment[] {
  const key = curveKey(metrics);
  const value = curve.at(-1);
  const segments: Segment[] = [];
  if (key !== undefined && value !== undefined) {
    const label = key === 'critic/score/mean' ? 'score' : 'loss';
    segments.push([label, colors.dim], ['  '], [sparkline(curve, Math.min(40, Math.floor(width / 2))), colors.green]);
    segments.push(['  '], [formatNumber(value), colors.bold]);
  }
  if (lastEval !== undefined) {
    segments.push(
      [segments.length > 0 ? '   eval ' : 'eval ', colors.dim],
      [formatNumber(lastEval.value), colors.bold],
    );
    segments.push([` at ${lastEval.step}`, colors.dim]);
  }
  return segments;
}

function numbersLine({ metrics }: Status, colors: Colors): Segment[] {
  const shown = [
    ['entropy', 'actor/entropy'],
    ['kl', 'actor/ppo_kl'],
    ['length', 'response_length/mean'],
    ['turns', 'num_turns/mean'],
    ['tool calls', 'tool_call_counts/mean'],
    ['tokens/s', 'perf/throughput'],
  ] as const;
  return shown.flatMap(([label, key]): Segment[] => {
    const value = metrics[key];
    return value === undefined ? [] : [[`${label} `, colors.dim], [formatNumber(value)], ['   ']];
  });
}

function clip(segments: readonly Segment[], width: number): string {
  let room = width;
  let line = '';
  for (const [text, paint] of segments) {
    const part = [...text].slice(0, room).join('');
    room -= [...part].length;
    line += paint === undefined ? part : paint(part);
  }
  return line.trimEnd();
}
