import type { BackendName } from '../../core/tensor/backend-names.js';
import type { Message } from '../../core/types.js';
import type { ChatSampling } from './chat-model.js';
import type { SamplingFlags } from './chat-sampling.js';

/** The options of a chat, read. */
export interface ChatFlags extends SamplingFlags {
  readonly prompt?: readonly string[];
  readonly system?: string;
  readonly raw?: true;
  readonly adapter?: string;
  readonly seed?: number;
  readonly backend: BackendName;
  readonly context?: number;
  readonly json?: true;
}

/** What a chat needs besides its model. */
export interface ChatPlan {
  /** How the n-th answer is sampled. */
  sampling(index: number): ChatSampling;
  /** What is said to the model after what was said before: a conversation, or text alone where it is raw. */
  prompt(before: readonly Message[], text: string): readonly Message[] | string;
}
