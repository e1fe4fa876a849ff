/** The vocabulary of the system: read this file and you know what travels between its parts. It imports nothing. */

/** Anything that may travel between processes. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One chat message. Messages belong to environments; only the renderer turns them into tokens and back. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  /** Calls the assistant made in this message, in the order it made them. */
  readonly toolCalls?: readonly ToolCall[];
  /** Name of the tool that answered; only with role `tool`. */
  readonly name?: string;
}

/** A well-formed request to run a tool; whether tool and arguments exist is the tool executor's question. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: Json;
}

/** What the model did in one turn, parsed. `parseErrors` holds one sentence for each call that could not be read. */
export interface Action {
  /** The text outside of tool calls, trimmed. */
  readonly content: string;
  readonly toolCalls: readonly ToolCall[];
  readonly parseErrors: readonly string[];
  /** False when the turn was cut by a budget before the model ended it. */
  readonly isComplete: boolean;
}

/** What a tool looks like to the model: JSON schema of its input. */
export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  readonly parameters: Json;
}

/** One problem of an environment; JSON only, so that it can be a job's payload. */
export interface Task {
  /** Unique within the environment and split, stable over runs. */
  readonly id: string;
  /** verl's column of the same name: groups metrics and picks rewards. */
  readonly dataSource: string;
  /** Whatever the environment needs to set up and judge the problem. */
  readonly data: Json;
}

/** The reward of one episode: the weighted sum and the parts it is made of (weight-0 parts are metrics). */
export interface Reward {
  readonly value: number;
  readonly parts: { readonly [name: string]: number };
  /** The answer that was judged, where there is one; what maj@k votes on. */
  readonly pred?: string;
}

/** Tokens of one context as the engine saw them. All arrays have one entry a token; mask 1 = sampled by the policy. */
export interface TokenSequence {
  readonly tokens: readonly number[];
  readonly mask: readonly (0 | 1)[];
  /** log_softmax(logits / temperature) over the full vocabulary at sampled tokens (temperature 0 counts as 1), 0 elsewhere. */
  readonly logprobs: readonly number[];
  /** Where top-k, top-p or min-p cut the distribution: the same over what they left, which tokens were drawn from. */
  readonly samplingLogprobs?: readonly number[];
  /** Version of the weights that sampled the token, -1 where mask is 0. */
  readonly versions: readonly number[];
}

/** A half-open range [start, end) of token positions in a sequence. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One exchange: what the model sampled and, unless the episode ended there, what the environment answered. */
export interface Turn {
  readonly sequence: number;
  readonly action: Span;
  readonly observation?: Span;
  readonly toolCalls: readonly ToolCallRecord[];
  /** The share of the episode's reward that this turn earned, where the environment says so. */
  readonly reward?: number;
}

/** What became of one tool call; `error` names the class of the model's mistake, if it made one. */
export interface ToolCallRecord {
  readonly name: string;
  readonly durationMs: number;
  readonly error?: 'unparsable' | 'unknown_tool' | 'bad_arguments' | 'failed' | 'timeout';
}

/** Why an episode ended. `terminated` is the environment's word, the rest are truncations by a budget. */
export type StopReason = 'terminated' | 'max_turns' | 'max_response_tokens' | 'max_context' | 'deadline';

/** One finished episode. More than one sequence only where the context was rewritten on purpose. */
export interface Trajectory {
  readonly taskId: string;
  readonly dataSource: string;
  readonly messages: readonly Message[];
  readonly turns: readonly Turn[];
  readonly sequences: readonly TokenSequence[];
  readonly reward: Reward;
  readonly stopReason: StopReason;
  /** Played by an expert, not by the policy. */
  readonly isOffPolicy?: boolean;
  /** Numbers worth plotting: counts, durations (ms). */
  readonly metrics: { readonly [name: string]: number };
}

/** A failure of ours or the world's, in a form that travels. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** How a rollout ended. Only `scored` has a reward: the type keeps the others out of every baseline. */
export type Outcome =
  | { readonly status: 'scored'; readonly trajectory: Trajectory }
  | { readonly status: 'failed'; readonly error: Failure }
  | { readonly status: 'cancelled'; readonly reason: string };

/** All rollouts of one task at one step; ragged by nature: never reshape by its size. */
export interface TrajectoryGroup {
  readonly task: Task;
  readonly outcomes: readonly Outcome[];
  /** Reward of one greedy episode of the task, where the estimator asks for it. */
  readonly greedyReward?: number;
}

/** How to sample one turn. */
export interface Sampling {
  /** Finite, >= 0; 0 picks the most likely token. */
  readonly temperature: number;
  readonly maxTokens: number;
  /** Token ids that end the turn; the one that did is part of the generation. */
  readonly stopTokens: readonly number[];
  /** Key of the random numbers: equal key, tokens and weights give an equal generation, whatever else is in the batch. */
  readonly seed: number;
  /** Sample from the so many likeliest tokens only; 0, the default, is all. Applied after the temperature, before topP. */
  readonly topK?: number;
  /** Of these from the fewest, likeliest first, that together have this share of the probability; 1, the default, is all. */
  readonly topP?: number;
  /** Of these from those at least so many times as likely as the likeliest; 0, the default, is all. */
  readonly minP?: number;
}

/** One sampled turn; arrays have one entry a token. */
export interface Generation {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  /** Only where the sampling cut the distribution: log-probs over what it left. */
  readonly samplingLogprobs?: readonly number[];
  readonly versions: readonly number[];
  readonly finishReason: 'stop' | 'length';
}

/** Where tokens come from. Throws InfrastructureError when it cannot answer, the signal's reason when aborted. */
export interface InferenceEngine {
  generate(tokens: readonly number[], sampling: Sampling, signal: AbortSignal): Promise<Generation>;
}

/** What one training example looks like to the trainer. Arrays have one entry a token, read only where mask is 1. */
export interface TrainSequence {
  readonly tokens: readonly number[];
  readonly mask: readonly (0 | 1)[];
  /** What the ratio is taken against: the policy's log-probs at the start of the update. */
  readonly logprobs: readonly number[];
  readonly advantages: readonly number[];
  /** Which task of the step it was sampled for; 0 when left out. */
  readonly group?: number;
  /** Log-probs of the reference policy: for a KL loss, and for a process reward model. */
  readonly refLogprobs?: readonly number[];
  /** Importance weights of rollout correction. */
  readonly rolloutIsWeights?: readonly number[];
  /** Written by an expert, not sampled by the policy. */
  readonly isOffPolicy?: boolean;
  /** The critic's values at the start of the update, and what it is to learn: for the critic. */
  readonly values?: readonly number[];
  readonly returns?: readonly number[];
  /** 1 when the outcome was right, else 0: for a process reward model. How good it was beside others of its group: for a reward model. */
  readonly outcome?: number;
}

/** Named numbers of one step, by verl's metric names. */
export type Metrics = { readonly [name: string]: number };

/** How an optimizer goes over the sequences of an update; JSON only, so that a trainer may live in another process. */
export interface OptimizerPasses {
  readonly lossAggMode: string;
  /** What seq-mean-token-sum-norm divides by. */
  readonly lossScaleFactor: number;
  /** Passes over the sequences; at least 1. */
  readonly ppoEpochs: number;
  /** Sequences an optimizer step; the last step takes what is left. */
  readonly ppoMiniBatchSize: number;
  /** Tokens a forward pass, at least 1; a longer sequence is alone: changes memory and speed, nothing else. */
  readonly ppoMaxTokenLenPerGpu: number;
  /** Sequences in another order at each pass. */
  readonly shuffle: boolean;
  /** Names the update's random numbers. */
  readonly seed: number;
  readonly lr: number;
  readonly weightDecay: number;
  /** AdamW's decay of the first and of the second moment. */
  readonly betas: readonly [number, number];
  /** Largest global gradient norm; above it the gradient is scaled down. */
  readonly gradClip: number;
}

/** An update of the policy. */
export interface ActorUpdateOptions extends OptimizerPasses {
  readonly model: 'actor';
  /** A row of the table of policy losses, with its settings. */
  readonly policyLoss: { readonly name: string; readonly [setting: string]: Json };
  readonly entropyCoeff: number;
  /** Weight of the KL divergence from the reference policy in the loss, and its estimator; 0 leaves it out. */
  readonly klLossCoef: number;
  readonly klLossType: string;
  /** Weight of the value loss where the critic shares the policy's trunk; 0 leaves it out. */
  readonly vfCoef: number;
  readonly cliprangeValue: number;
  /** The temperature the tokens were sampled at; 0 counts as 1. */
  readonly temperature: number;
}

/** An update of the critic towards the sequences' returns; where it shares the policy's trunk, of its head alone. */
export interface CriticUpdateOptions extends OptimizerPasses {
  readonly model: 'critic';
  /** How far a value may move from what it was before it is clipped. */
  readonly cliprangeValue: number;
}

/** An update of the implicit process reward model towards the sequences' outcomes. */
export interface ProcessRewardUpdateOptions extends OptimizerPasses {
  readonly model: 'processReward';
  /** Scale of its log-ratio to the reference policy. */
  readonly beta: number;
  readonly temperature: number;
}

/** An update of the reward model, by sequences of the same group: one of a larger outcome is to have the larger score. */
export interface RewardModelUpdateOptions extends OptimizerPasses {
  readonly model: 'rewardModel';
}

export type UpdateOptions =
  | ActorUpdateOptions
  | CriticUpdateOptions
  | ProcessRewardUpdateOptions
  | RewardModelUpdateOptions;

/** What the trainer's models can say of sampled tokens, one number each. */
export type InferColumn = (typeof inferColumns)[number];

export const inferColumns = [
  /** The policy's log-probs, the entropy of its distribution and its Σ_v π(v)². */
  'logprobs',
  'entropy',
  'sumPiSquared',
  /** Of the reference policy: the policy as it was before the first update of reinforcement learning. */
  'refLogprobs',
  /** The critic's, before the token. */
  'values',
  /** Of the implicit process reward model. */
  'processLogprobs',
  /** The reward model's score of the sequence up to and including the token. */
  'rewardScores',
] as const;

export interface InferOptions {
  readonly columns: readonly InferColumn[];
  readonly temperature: number;
  /** As in an update. */
  readonly ppoMaxTokenLenPerGpu: number;
}

/** What was asked for: a list for each sequence, one entry a token, 0 where the mask is 0. */
export type InferredColumns = { readonly [Column in InferColumn]?: readonly (readonly number[])[] };

/** Owns weights and optimizer of the policy, and of the models trained beside it. Calls are made one at a time by one owner. */
export interface Trainer {
  /** Numbers under the current weights; changes none. */
  infer(
    sequences: readonly Pick<TrainSequence, 'tokens' | 'mask'>[],
    options: InferOptions,
    signal: AbortSignal,
  ): Promise<InferredColumns>;
  /** Optimizer steps over the sequences. Where engine and trainer share weights, sampling uses the new ones from here on. */
  update(sequences: readonly TrainSequence[], options: UpdateOptions, signal: AbortSignal): Promise<Metrics>;
  /** Makes sure that engines sample from the current weights; returns their version, which never falls. */
  publish(signal: AbortSignal): Promise<number>;
  /** Writes weights, optimizers and version into an existing directory. */
  save(directory: string, signal: AbortSignal): Promise<void>;
  /** Replaces weights, optimizers and version; throws ConfigError when the directory does not hold a whole checkpoint that fits. */
  load(directory: string, signal: AbortSignal): Promise<void>;
}

/** Where numbers, samples and trajectories go. */
export interface Tracker {
  log(step: number, metrics: Metrics): Promise<void>;
  trajectories(step: number, split: 'train' | 'eval', groups: readonly TrajectoryGroup[]): Promise<void>;
}

/** Carries jobs from who wants a result to who can compute it. */
export interface JobFabric extends AsyncDisposable {
  /**
   * Resolves with the handler's result. Equal id while pending or finished = the same job.
   * Throws InfrastructureError when attempts or deadline are used up, the signal's reason when aborted.
   */
  submit(kind: string, payload: Json, options: SubmitOptions, signal: AbortSignal): Promise<Json>;
  /** Runs jobs of the kind until disposed; disposing waits for running handlers, whose signal it aborts. */
  work(kind: string, handler: JobHandler, options: WorkOptions): AsyncDisposable;
}

export interface SubmitOptions {
  /** Deterministic: the same (run, step, task, member) is one job. */
  readonly id: string;
  /** From submission to result, waiting included. */
  readonly deadlineMs: number;
  /** Times the job may be started; at least 1. Only failures of the world use one up and are tried again. */
  readonly attempts: number;
}

export interface WorkOptions {
  readonly concurrency: number;
}

export interface JobContext {
  readonly id: string;
  /** 1 for the first run of the job. */
  readonly attempt: number;
  /** Aborts on cancellation, deadline, lost lease and shutdown. */
  readonly signal: AbortSignal;
}

export type JobHandler = (payload: Json, context: JobContext) => Promise<Json>;

/** Makes sandboxes; one a episode, thrown away after. */
export interface SandboxProvider extends AsyncDisposable {
  readonly name: string;
  create(signal: AbortSignal): Promise<Sandbox>;
}

/** A place where untrusted code runs. Paths are relative to its working directory and cannot leave it. */
export interface Sandbox extends AsyncDisposable {
  exec(argv: readonly string[], options: ExecOptions, signal: AbortSignal): Promise<ExecResult>;
  readFile(path: string, signal: AbortSignal): Promise<string>;
  writeFile(path: string, contents: string, signal: AbortSignal): Promise<void>;
}

export interface ExecOptions {
  readonly stdin?: string;
  readonly timeoutMs: number;
  /** Kept bytes of each of stdout and stderr; the rest is drained and dropped. */
  readonly maxOutputBytes: number;
}

/** A program's fate; crashes and timeouts are results, not errors. */
export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Null when a signal or the timeout ended the program. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly truncated: boolean;
  readonly durationMs: number;
}
