import { assert } from '../core/errors.js';
import type {
  Action,
  Generation,
  Message,
  Reward,
  Span,
  StopReason,
  Task,
  ToolCallRecord,
  Trajectory,
  Turn,
} from '../core/types.js';
import type { Episode, StepResult } from '../envs/environment.js';

type TurnDraft = { action: Span; observation?: Span; toolCalls: readonly ToolCallRecord[]; reward?: number };

/** What has happened in an episode so far: every token is written down here once, when it is born. */
export class EpisodeRecord {
  readonly #task: Task;
  readonly #tokens: number[] = [];
  readonly #mask: (0 | 1)[] = [];
  readonly #logprobs: number[] = [];
  readonly #samplingLogprobs: number[] = [];
  readonly #versions: number[] = [];
  readonly #messages: Message[] = [];
  readonly #turns: TurnDraft[] = [];
  #lastAction: Action | undefined;
  /** Whether a turn was drawn from a cut distribution. */
  #isCut = false;
  #responseTokens = 0;
  #generateMs = 0;

  constructor(task: Task) {
    this.#task = task;
  }

  /** A copy of the context, for the engine. */
  get tokens(): readonly number[] {
    return this.#tokens.slice();
  }

  /** Tokens of the context. */
  get length(): number {
    return this.#tokens.length;
  }

  /** Sampled tokens, all turns together. */
  get responseTokens(): number {
    return this.#responseTokens;
  }

  get turnCount(): number {
    return this.#turns.length;
  }

  /** The prompt, before the first turn. */
  begin(messages: readonly Message[], tokens: readonly number[]): void {
    this.#messages.push(...messages);
    this.#pushTokens(tokens);
  }

  /** A sampled turn: the engine's tokens, log-probs and versions as they came, and how long it took. */
  act(generation: Generation, action: Action, durationMs: number): void {
    const { tokens, logprobs, versions, samplingLogprobs = logprobs } = generation;
    assert(
      [logprobs, versions, samplingLogprobs].every(({ length }) => length === tokens.length),
      `a generation has ${tokens.length} tokens, ${logprobs.length} logprobs, ${versions.length} versions (${this.#task.id})`,
    );
    const start = this.length;
    for (const token of tokens) {
      this.#tokens.push(token);
      this.#mask.push(1);
    }
    for (const logprob of logprobs) this.#logprobs.push(logprob);
    for (const logprob of samplingLogprobs) this.#samplingLogprobs.push(logprob);
    this.#isCut ||= generation.samplingLogprobs !== undefined;
    for (const version of versions) this.#versions.push(version);
    this.#responseTokens += tokens.length;
    this.#generateMs += durationMs;
    this.#turns.push({ action: { start, end: this.length }, toolCalls: [] });
    this.#messages.push(assistantMessage(action));
    this.#lastAction = action;
  }

  /** The environment's answer to the last turn, and what it says the turn earned. */
  answer({ messages, toolCalls, reward }: StepResult): void {
    const turn = this.#lastTurn();
    this.#messages.push(...messages);
    turn.toolCalls = toolCalls;
    if (reward !== undefined) turn.reward = reward;
  }

  /** The tokens of the answer, when the episode goes on. */
  observe(tokens: readonly number[]): void {
    const start = this.length;
    this.#pushTokens(tokens);
    this.#lastTurn().observation = { start, end: this.length };
  }

  /** What rewards may look at. */
  episode(stopReason: StopReason): Episode {
    return { task: this.#task, messages: this.#messages.slice(), answer: this.#answer(), stopReason };
  }

  /**
   * The finished trajectory. Its metrics: num_turns (verl's count: turns, plus answers the model saw, plus one for the
   * prompt), tool_call_counts, tool_errors, tool_s and generate_s (seconds), response_tokens (sampled tokens only).
   */
  trajectory(reward: Reward, stopReason: StopReason): Trajectory {
    assert(
      [this.#mask, this.#logprobs, this.#versions].every((column) => column.length === this.length),
      `${this.length} tokens, mask ${this.#mask.length}, logprobs ${this.#logprobs.length} (${this.#task.id})`,
    );
    const turns: Turn[] = this.#turns.map((turn) => ({ sequence: 0, ...turn }));
    const calls = turns.flatMap((turn) => turn.toolCalls);
    return {
      taskId: this.#task.id,
      dataSource: this.#task.dataSource,
      messages: this.#messages,
      turns,
      sequences: [
        {
          tokens: this.#tokens,
          mask: this.#mask,
          logprobs: this.#logprobs,
          ...(this.#isCut && { samplingLogprobs: this.#samplingLogprobs }),
          versions: this.#versions,
        },
      ],
      reward,
      stopReason,
      metrics: {
        num_turns: 1 + turns.length + turns.filter((turn) => turn.observation !== undefined).length,
        tool_call_counts: calls.length,
        tool_errors: calls.filter((call) => call.error !== undefined).length,
        tool_s: calls.reduce((sum, call) => sum + call.durationMs, 0) / 1000,
        generate_s: this.#generateMs / 1000,
        response_tokens: this.#responseTokens,
      },
    };
  }

  #pushTokens(tokens: readonly number[]): void {
    for (const token of tokens) {
      this.#tokens.push(token);
      this.#mask.push(0);
      this.#logprobs.push(0);
      this.#samplingLogprobs.push(0);
      this.#versions.push(-1);
    }
  }

  #lastTurn(): TurnDraft {
    const turn = this.#turns.at(-1);
    assert(turn !== undefined, `an answer needs a turn before it (${this.#task.id})`);
    return turn;
  }

  #answer(): string {
    const action = this.#lastAction;
    if (action === undefined || !action.isComplete) return '';
    return action.toolCalls.length + action.parseErrors.length > 0 ? '' : action.content;
  }
}

function assistantMessage(action: Action): Message {
  const message: Message = { role: 'assistant', content: action.content };
  return action.toolCalls.length === 0 ? message : { ...message, toolCalls: action.toolCalls };
}
