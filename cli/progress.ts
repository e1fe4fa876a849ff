import pc from 'picocolors';
import type { Metrics, Trajectory } from '../core/types.js';
import { renderSample } from './sample.js';
import { type Colors, curveKey, evalKey, renderStatus, type Status } from './status.js';
import { formatDuration, formatNumber } from './text.js';

/** What the progress writes to: process.stderr, or anything that collects text. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface ProgressOptions {
  /** A block redrawn in place with colours; otherwise plain lines without escapes. */
  readonly isTty: boolean;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** True where a block can be redrawn and somebody looks at it: a terminal, and neither NO_COLOR nor CI is set. */
export function isWatched(stream: TextStream, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env.NO_COLOR && !env.CI && env.TERM !== 'dumb';
}

/** What a person watches while a run goes on. Between two calls the block is whole; everything else printed stays above it. */
export class Progress implements Disposable {
  readonly #stream: TextStream;
  readonly #isTty: boolean;
  readonly #now: () => number;
  readonly #colors: Colors;
  #status: Status | undefined;
  #startedAt = 0;
  #firstStep: number | undefined;
  #drawnLines = 0;

  constructor(stream: TextStream, { isTty, now = () => performance.now() }: ProgressOptions) {
    this.#stream = stream;
    this.#isTty = isTty;
    this.#now = now;
    this.#colors = pc.createColors(isTty);
  }

  /** Begins a phase of `total` steps (0 = unknown), of which `done` lie behind already. */
  phase(name: string, total: number, done = 0): void {
    this.#startedAt = this.#now();
    this.#firstStep = done;
    const lastEval = this.#status?.lastEval;
    const fresh = { phase: name, step: done, total, elapsedMs: 0, stepsDone: 0, curve: [], metrics: {} };
    this.#status = lastEval === undefined ? fresh : { ...fresh, lastEval };
    if (this.#isTty) this.#redraw();
    else this.#line(total > 0 ? `${name}: ${total - done} steps` : name);
  }

  /** Shows a step's numbers. Metrics of an evaluation (val-core/…) may come with it or alone. */
  step(step: number, metrics: Metrics): void {
    const before = this.#status;
    if (before === undefined) return;
    const evalName = evalKey(metrics);
    const value = evalName === undefined ? undefined : metrics[evalName];
    const key = curveKey(metrics);
    const scored = key === undefined ? undefined : metrics[key];
    this.#status = {
      ...before,
      step: Math.max(step, before.step),
      elapsedMs: this.#now() - this.#startedAt,
      stepsDone: Math.max(step, before.step) - (this.#firstStep ?? 0),
      curve: scored === undefined ? before.curve : [...before.curve, scored],
      metrics: key === undefined ? before.metrics : metrics,
      ...(evalName === undefined || value === undefined ? {} : { lastEval: { step, name: evalName, value } }),
    };
    if (this.#isTty) this.#redraw();
    else if (this.#isTold(step, metrics)) this.#line(this.#plainStep(step, metrics));
  }

  /** One more of the phase's things is done; nothing to show but the bar. */
  advance(): void {
    if (this.#status === undefined) return;
    const step = this.#status.step + 1;
    const elapsedMs = this.#now() - this.#startedAt;
    this.#status = { ...this.#status, step, elapsedMs, stepsDone: step - (this.#firstStep ?? 0) };
    if (this.#isTty) this.#redraw();
  }

  /** Prints a line that stays. */
  note(line: string): void {
    this.#above([line]);
  }

  /** Prints an episode that stays. */
  sample(trajectory: Trajectory): void {
    this.#above(renderSample(trajectory, this.#colors));
  }

  /** Leaves the block as it is and goes on below it. */
  done(): void {
    const status = this.#status;
    this.#status = undefined;
    this.#drawnLines = 0;
    if (status === undefined || this.#isTty) return;
    this.#line(`${status.phase}: done after ${formatDuration(this.#now() - this.#startedAt)}`);
  }

  [Symbol.dispose](): void {
    this.#status = undefined;
    this.#drawnLines = 0;
  }

  #above(lines: readonly string[]): void {
    this.#stream.write(`${this.#erasure()}${lines.map((line) => `${line}\n`).join('')}`);
    if (this.#isTty) this.#redraw();
  }

  #redraw(): void {
    if (this.#status === undefined) return;
    const lines = renderStatus(this.#status, Math.max(20, (this.#stream.columns ?? 80) - 1), this.#colors);
    this.#stream.write(`${this.#erasure()}${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawnLines = lines.length;
  }

  /** Moves to where the block began and clears all below. */
  #erasure(): string {
    const lines = this.#drawnLines;
    this.#drawnLines = 0;
    return lines === 0 ? '' : `\u001b[${lines}A\u001b[0J`;
  }

  /** Of a long phase with a loss (the warm start) plain text tells the first step, the last, and every so many between. */
  #isTold(step: number, metrics: Metrics): boolean {
    const total = this.#status?.total ?? 0;
    const every = metrics['train/loss'] === undefined ? 1 : Math.ceil(total / plainLossLines);
    const isFirst = step === (this.#firstStep ?? 0) + 1;
    return isFirst || step === total || step % Math.max(1, every) === 0;
  }

  #plainStep(step: number, metrics: Metrics): string {
    const total = this.#status?.total ?? 0;
    const keys = [evalKey(metrics), curveKey(metrics), ...plainKeys].filter((key) => key !== undefined);
    const told = keys.flatMap((key) => (metrics[key] === undefined ? [] : [`${key}=${formatNumber(metrics[key])}`]));
    return [`step ${step}${total > 0 ? `/${total}` : ''}`, ...told].join(' ');
  }

  #line(text: string): void {
    this.#stream.write(`${text}\n`);
  }
}

/** Lines that a phase with a loss gets in plain text, however many steps it has. */
const plainLossLines = 20;

const plainKeys = [
  'actor/entropy',
  'actor/ppo_kl',
  'response_length/mean',
  'tool_call_counts/mean',
  'perf/throughput',
  'timing_s/step',
];
