import { setImmediate } from 'node:timers/promises';
import { ConfigError } from '../../core/errors.js';
import { decoderConfig } from '../../core/model/architectures/architectures.js';
import { loadPolicy } from '../../core/model/load-policy.js';
import type { Policy } from '../../core/model/policy.js';
import { PolicySampler } from '../../core/model/sampler.js';
import { useBackend } from '../../core/tensor/backend.js';
import type { BackendName } from '../../core/tensor/backend-names.js';
import { GrowingText } from '../../core/text/growing-text.js';
import type { Generation, Message, Sampling } from '../../core/types.js';
import { ByteProgress, watchedFiles } from '../byte-progress.js';
import type { Io } from '../command-context.js';
import { type NamedModel, openNamedModel } from '../open-named-model.js';
import { type ChatText, chatText } from './chat-text.js';

/** Longest context of a chat that asks for none. */
const USUAL_CONTEXT = 8192;

export interface ChatModelOptions extends NamedModel {
  readonly backend: BackendName;
  /** Longest context in tokens; by default that of the model, at most 8192. */
  readonly contextLength?: number;
  /** Text is continued as it is, without a chat template. */
  readonly isRaw: boolean;
}

/** How an answer is sampled; stop tokens are the model's. */
export type ChatSampling = Omit<Sampling, 'stopTokens'>;

export interface Answer {
  /** Without the stop token; exactly what was given out on the way. */
  readonly text: string;
  /** With the stop token. */
  readonly tokens: readonly number[];
  readonly promptTokens: number;
  readonly finishReason: Generation['finishReason'] | 'aborted';
  /** From the call to the last token, the reading of the prompt included. */
  readonly seconds: number;
}

/** A model in this process that answers one at a time. */
export class ChatModel implements Disposable {
  readonly source: string;
  readonly backend: string;
  readonly text: ChatText;
  readonly #policy: Policy;
  readonly #sampler: PolicySampler;

  private constructor(policy: Policy, { source, backend, text }: Pick<ChatModel, 'source' | 'backend' | 'text'>) {
    this.source = source;
    this.backend = backend;
    this.text = text;
    this.#policy = policy;
    this.#sampler = new PolicySampler(policy);
  }

  /** Throws ConfigError where there is no such model, or nothing that turns text into its tokens, before any weight is read. */
  static async open(
    { backend, contextLength, isRaw, ...named }: ChatModelOptions,
    io: Pick<Io, 'stderr' | 'env'>,
    signal: AbortSignal,
  ): Promise<ChatModel> {
    await using files = await openNamedModel(named, io, signal);
    using progress = new ByteProgress(io);
    const { source } = files;
    const text = chatText(files, { isRaw });
    const loaded = await useBackend(backend);
    const watched = watchedFiles(files, progress, `loading ${named.model}`);
    const usual = Math.min(USUAL_CONTEXT, decoderConfig(files.config, source).maxPositionEmbeddings);
    const policy = await loadPolicy(watched, { contextLength: contextLength ?? usual }, signal);
    return new ChatModel(policy, { source, backend: loaded, text });
  }

  get contextLength(): number {
    return this.#policy.contextLength;
  }

  /** Answers a conversation, or continues raw text. `onText` gets the answer as it grows; an aborted one ends where it is. */
  async answer(
    prompt: readonly Message[] | string,
    { sampling, onText }: { readonly sampling: ChatSampling; onText(text: string): void },
    signal: AbortSignal,
  ): Promise<Answer> {
    const startedAt = performance.now();
    const tokens = this.text.encode(prompt);
    this.#admit(tokens, sampling);
    const grown = new GrowingText(this.text);
    let text = '';
    const tell = (more: string): void => {
      text += more;
      if (more !== '') onText(more);
    };
    let sampled: readonly number[] = [];
    let finishReason: Answer['finishReason'] | undefined;
    while (finishReason === undefined) {
      const [finished] = await this.#sampler.step();
      const now = finished?.generation.tokens ?? this.#sampler.sampled(0) ?? [];
      finishReason = finished?.generation.finishReason;
      tell(grown.push(now.slice(sampled.length, finishReason === 'stop' ? -1 : undefined)));
      sampled = now;
      await setImmediate(); // an interruption gets its turn
      if (signal.aborted) finishReason ??= 'aborted';
    }
    this.#sampler.cancel(0);
    tell(grown.end());
    const seconds = (performance.now() - startedAt) / 1000;
    return { text, tokens: sampled, promptTokens: tokens.length, finishReason, seconds };
  }

  [Symbol.dispose](): void {
    this.#sampler[Symbol.dispose]();
    this.#policy[Symbol.dispose]();
  }

  /** The longest answer that fits is that of `maxTokens`, or what the context has room for. */
  #admit(tokens: readonly number[], sampling: ChatSampling): void {
    const { vocabSize } = this.#policy;
    const room = this.contextLength - tokens.length;
    if (room < 1) {
      throw new ConfigError(
        `the prompt has ${tokens.length} tokens, the context ${this.contextLength}: begin anew, or ask for a longer one with --context`,
      );
    }
    if (tokens.length === 0) throw new ConfigError('the prompt is empty: write what is to be continued');
    const unknown = tokens.find((token) => token >= vocabSize);
    if (unknown !== undefined) {
      throw new ConfigError(
        `the tokenizer of ${this.source} writes token ${unknown}, its model knows ${vocabSize} tokens`,
      );
    }
    const maxTokens = Math.min(sampling.maxTokens, room);
    this.#sampler.admit(0, tokens, { ...sampling, maxTokens, stopTokens: this.text.stopTokens });
  }
}
