import { z } from 'zod';
import { mean } from '../advantages/group-statistics.js';
import { type GroupReason, type GroupSignal, groupReasons, mostFrequent, type Truncation } from './group-signal.js';

type FlatReason = Exclude<GroupReason, 'learns'>;

/** Flat steps before a word is said. */
const PATIENCE = 2;

/** What a `SignalExplainer` remembers; JSON. */
export const signalExplainerState = z.strictObject({
  /** Steps in a row in which no group had a gradient. */
  flatSteps: z.int().min(0),
  /** The reason that was told last, null when none was told since a group last learnt. */
  told: z.enum(groupReasons).nullable(),
});
export type SignalExplainerState = z.output<typeof signalExplainerState>;

/** Says why a run stands still: once after two steps without any gradient, and again only when the main reason changes. */
export class SignalExplainer {
  #state: SignalExplainerState;

  constructor(state: SignalExplainerState = { flatSteps: 0, told: null }) {
    this.#state = state;
  }

  get state(): SignalExplainerState {
    return this.#state;
  }

  /** One sentence when there is something new to say. A step without groups says nothing and changes nothing. */
  observe(signals: readonly GroupSignal[]): string | undefined {
    if (signals.length === 0) return undefined;
    const { flatSteps, told } = this.#state;
    const reasons = signals.map(({ reason }) => reason).filter((reason) => reason !== 'learns');
    if (reasons.length < signals.length) {
      this.#state = { flatSteps: 0, told: null };
      return undefined;
    }
    const toldFirst = reasons.sort((a, b) => Number(b === told) - Number(a === told));
    const main = mostFrequent(toldFirst) ?? 'all_equal';
    const isNew = flatSteps + 1 >= PATIENCE && main !== told;
    this.#state = { flatSteps: flatSteps + 1, told: isNew ? main : told };
    return isNew ? sentence(main, signals, flatSteps + 1) : undefined;
  }
}

function sentence(main: FlatReason, signals: readonly GroupSignal[], flatSteps: number): string {
  const own = signals.filter(({ reason }) => reason === main);
  const share = own.length === signals.length ? 'all' : String(own.length);
  const flat = `no group had a gradient for ${flatSteps} steps: ${share} of ${signals.length} groups`;
  switch (main) {
    case 'all_equal':
      return `${flat} have members of equal reward${meanReward(own)}; ${equalRemedy(own)}`;
    case 'filtered':
      return `${flat} were filtered out${meanReward(own)}; ${equalRemedy(own)}`;
    case 'truncated':
      return `${flat} were cut off in every member; ${truncationRemedy(own)}`;
    case 'failed':
      return `${flat} have fewer than two scored members; ${failureRemedy(own)}`;
    case 'stale':
      return `${flat} were sampled from weights too old to learn from; ${staleRemedy}`;
    default:
      return main satisfies never;
  }
}

function equalRemedy(signals: readonly GroupSignal[]): string {
  if (signals.every(({ size }) => size === 1)) return 'raise rollout.n: one member has nothing to be compared with';
  const [lowest, highest] = [Math.min(...rewardMeans(signals)), Math.max(...rewardMeans(signals))];
  const tasks =
    highest > lowest
      ? 'a task is solved always or never: set env to tasks in between'
      : 'no task differs from another: set env to tasks of another difficulty, check the reward';
  return `${tasks}, raise rollout.n or rollout.temperature`;
}

const budgets: { readonly [truncation in Truncation]: string } = {
  max_turns: 'rollout.maxTurns',
  max_response_tokens: 'rollout.maxResponseTokens',
  max_context: 'rollout.maxContext',
  deadline: 'rollout.episodeDeadlineMs',
};

function truncationRemedy(signals: readonly GroupSignal[]): string {
  const budget = mostFrequent(signals.flatMap(({ truncatedBy = [] }) => truncatedBy));
  const cause = budget === undefined ? '' : `most often by ${budget}: `;
  const key = budgets[budget ?? 'max_response_tokens'];
  return `${cause}raise ${key}, or warmStart.steps so that the policy learns to end an episode`;
}

function failureRemedy(signals: readonly GroupSignal[]): string {
  const code = mostFrequent(signals.flatMap(({ failedWith = [] }) => failedWith));
  const cause = code === undefined ? '' : `most often by ${code}: `;
  return `${cause}read the failures among the step's trajectories, see to the sandbox and the engine, raise fabric.attempts or fabric.deadlineMs`;
}

const staleRemedy = 'let fewer updates pass while a group is played: lower rollout.n or data.trainBatchSize';

function meanReward(signals: readonly GroupSignal[]): string {
  const means = rewardMeans(signals);
  return means.length === 0 ? '' : ` (mean ${Number(mean(means).toPrecision(3))})`;
}

function rewardMeans(signals: readonly GroupSignal[]): readonly number[] {
  return signals.map(({ rewardMean }) => rewardMean).filter((value) => !Number.isNaN(value));
}
