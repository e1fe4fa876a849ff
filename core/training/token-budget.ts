import { freemem } from 'node:os';
import { computedLength, type WeightedSequence } from '../batch.js';
import { log } from '../log.js';
import { microBatches } from '../micro-batches.js';
import type { Policy } from '../model/policy.js';
import { countsMemory, memoryInUse, PeakMeter } from '../tensor/memory.js';
import type { PassLimit } from '../types.js';
import { activationBytes } from './activation-bytes.js';

/** Share of the memory that is free at the start, where no budget is named. */
const usualShare = 0.6;
/** What is kept for later tensors, over what they take at most: `ArrayPool`. */
const keptOverTaken = 1.25;
/** Passes of equal length differ in what they take. */
const margin = 1.15;
/** What an estimate may be wrong by as long as nothing was measured. */
const distrust = 2;
/** Passes that are remembered. */
const memorySize = 4;
const bytesPerGb = 2 ** 30;

export interface PassRequest {
  /** Passes of one kind take equally much a token. */
  readonly kind: string;
  readonly members: readonly WeightedSequence[];
  readonly limit: PassLimit;
  /** Bytes that a pass takes however short it is: gradients. */
  readonly fixedBytes: number;
}

/** What an estimate is made from. */
export type BudgetedModel = Pick<Policy, 'config' | 'enableGradientCheckpointing'>;

/** What is known of a kind of passes: bytes a token, of the longest passes so far. */
interface Measured {
  readonly tokens: number;
  readonly bytesPerToken: readonly number[];
}

/**
 * Cuts sequences into forward passes. Where the limit is a number of tokens that is all; where it is memory, a pass is as long as what
 * passes of its kind took before lets expect to fit: an estimate from the model's shape comes first, and what was measured replaces it
 * on backends that count. Memory grows by no more than its share with length, so that longer passes take at most what is expected.
 */
export class TokenBudget {
  readonly #model: BudgetedModel;
  readonly #usualBytes: number;
  readonly #measured = new Map<string, Measured>();
  #hasWarned = false;
  #longestPass = 0;

  constructor(model: BudgetedModel) {
    this.#model = model;
    this.#usualBytes = memoryInUse() + usualShare * freeBytes();
  }

  /** Tokens of the longest pass since `beginUpdate`. */
  get longestPass(): number {
    return this.#longestPass;
  }

  beginUpdate(): void {
    this.#longestPass = 0;
  }

  /** The passes one after another, the longest first; what is done between two counts as the earlier one's. */
  *passes(request: PassRequest): Generator<readonly WeightedSequence[], void> {
    const { members, limit } = request;
    if (limit.ppoMaxTokenLenPerGpu !== 'auto') {
      for (const pass of microBatches(members, limit.ppoMaxTokenLenPerGpu)) {
        this.#note(pass);
        yield pass;
      }
      return;
    }
    const budget = limit.memoryBudgetGb == null ? this.#usualBytes : limit.memoryBudgetGb * bytesPerGb;
    for (let left = members; left.length > 0; ) {
      const [pass = left] = microBatches(left, this.#fitting(request, left, budget));
      const tokens = this.#note(pass);
      using meter = new PeakMeter();
      yield pass;
      this.#learn(request, tokens, meter);
      if (pass.length === 1) this.#checkAlone({ request, tokens, budget, meter });
      const done = new Set(pass);
      left = left.filter((member) => !done.has(member));
    }
  }

  #note(pass: readonly WeightedSequence[]): number {
    const tokens = pass.reduce((sum, { sequence }) => sum + computedLength(sequence), 0);
    this.#longestPass = Math.max(this.#longestPass, tokens);
    return tokens;
  }

  /** Tokens that fit into what is left of the budget; at least 1. */
  #fitting(request: PassRequest, members: readonly WeightedSequence[], budget: number): number {
    const available = budget / keptOverTaken - memoryInUse() - request.fixedBytes;
    return Math.max(1, Math.floor(available / this.#bytesPerToken(request.kind, members)));
  }

  #bytesPerToken(kind: string, members: readonly WeightedSequence[]): number {
    const measured = this.#measured.get(kind);
    if (measured !== undefined) return margin * Math.max(...measured.bytesPerToken);
    return distrust * this.#estimate(members);
  }

  #estimate(members: readonly WeightedSequence[]): number {
    const longest = members.reduce((most, { sequence }) => Math.max(most, computedLength(sequence)), 0);
    return activationBytes(this.#model, { longest, isFused: countsMemory() });
  }

  /** Of passes much shorter than the longest nothing is learnt: what they take whatever their length would count as their tokens'. */
  #learn({ kind, fixedBytes }: PassRequest, tokens: number, { before, peak }: PeakMeter): void {
    const known = this.#measured.get(kind);
    if (peak === undefined || tokens === 0 || (known !== undefined && tokens < known.tokens / 2)) return;
    const own = Math.max(1, (peak - before - fixedBytes) / tokens);
    const isLonger = known === undefined || tokens > margin * known.tokens;
    const earlier = isLonger ? [] : known.bytesPerToken;
    const longest = Math.max(tokens, known?.tokens ?? 0);
    this.#measured.set(kind, { tokens: longest, bytesPerToken: [...earlier, own].slice(-memorySize) });
  }

  /** There is no shorter pass than one sequence. */
  #checkAlone(pass: { request: PassRequest; tokens: number; budget: number; meter: PeakMeter }): void {
    const { request, tokens, budget, meter } = pass;
    const taken = meter.peak ?? meter.before + request.fixedBytes + tokens * this.#estimate(request.members);
    if (taken <= budget || this.#hasWarned) return;
    this.#hasWarned = true;
    const remedy =
      'shorten rollout.maxContext, set model.enableGradientCheckpointing or raise algorithm.memoryBudgetGb';
    const [takenGb, budgetGb] = [inGb(taken), inGb(budget)];
    log('warn', 'memory_budget_exceeded', { tokens, takenGb, budgetGb, remedy });
  }
}

function inGb(bytes: number): string {
  return (bytes / bytesPerGb).toPrecision(3);
}

/** Of the machine, or of what its container leaves where that is less. */
function freeBytes(): number {
  return Math.min(freemem(), process.availableMemory());
}
