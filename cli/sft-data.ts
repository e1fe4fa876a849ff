import { type ConversationTemplate, encodeConversation } from '../core/data/encode-conversation.js';
import { readFiles } from '../core/data/read-rows.js';
import { limitSamples } from '../core/data/select-rows.js';
import { type Conversation, conversationOf } from '../core/data/sft-rows.js';
import { ConfigError } from '../core/errors.js';
import type { Message, TrainSequence } from '../core/types.js';
import type { SftConfig } from './sft-config.js';

export interface SftData {
  readonly train: readonly TrainSequence[];
  readonly val: readonly TrainSequence[];
  /** What a person should know, in sentences. */
  readonly notes: readonly string[];
}

/** Reads the files of a run and writes their conversations down as training sequences; throws ConfigError where nothing can be learnt. */
export async function readSftData(
  config: SftConfig,
  template: ConversationTemplate,
  signal: AbortSignal,
): Promise<SftData> {
  const { trainFiles, valFiles, trainMaxSamples, valMaxSamples } = config.data;
  const train = await encodeFiles(config, { files: trainFiles, maxSamples: trainMaxSamples, template }, signal);
  const val =
    valFiles === null
      ? undefined
      : await encodeFiles(config, { files: valFiles, maxSamples: valMaxSamples, template }, signal);
  if (train.sequences.length === 0) throw new ConfigError('data.trainFiles holds no assistant turn to learn from');
  return {
    train: train.sequences,
    val: val?.sequences ?? [],
    notes: [`Training data: ${describe(train)}`, ...(val === undefined ? [] : [`Held out: ${describe(val)}`])],
  };
}

interface EncodedFiles {
  readonly sequences: readonly TrainSequence[];
  readonly rows: number;
  readonly dropped: number;
}

interface FilesToEncode {
  readonly files: string | readonly string[];
  readonly maxSamples: number | null;
  readonly template: ConversationTemplate;
}

async function encodeFiles(
  { data, seed }: SftConfig,
  { files, maxSamples, template }: FilesToEncode,
  signal: AbortSignal,
): Promise<EncodedFiles> {
  const rows = limitSamples(await readFiles(files, signal), { maxSamples, shuffle: true, seed });
  const sequences: TrainSequence[] = [];
  let dropped = 0;
  const conversations = rows.map((row) => conversationOf(row, data));
  checkTemplate(template, conversations);
  for (const conversation of conversations) {
    signal.throwIfAborted();
    const encoded = encodeConversation(conversation, template, data);
    sequences.push(...encoded.sequences);
    dropped += encoded.dropped;
  }
  return { sequences, rows: rows.length, dropped };
}

/** A template that knows no tools leaves them out without a word: then nothing would be learnt of them. */
function checkTemplate(template: ConversationTemplate, conversations: readonly Conversation[]): void {
  const user = { role: 'user', content: 'a' } as const;
  const write = (message: Message): string =>
    String(template.render({ messages: [user, message] }, { addGenerationPrompt: false }));
  const plain: Message = { role: 'assistant', content: '' };
  if (write(plain) !== write({ ...plain, toolCalls: [{ name: 'f', arguments: {} }] })) return;
  const calling = conversations.find(({ messages }) => messages.some(({ toolCalls = [] }) => toolCalls.length > 0));
  if (calling === undefined) return;
  throw new ConfigError(
    `${calling.place} calls a tool, but the model’s chat template writes no calls; name one that does, such as model.customChatTemplate: chatml`,
  );
}

function describe({ rows, sequences, dropped }: EncodedFiles): string {
  const tokens = sequences.reduce((sum, sequence) => sum + sequence.tokens.length, 0);
  const learnt = sequences.reduce((sum, { mask }) => sum + mask.filter((bit) => bit === 1).length, 0);
  const left = dropped === 0 ? '' : `; ${dropped} sequences without anything to learn were left out`;
  return `${rows} conversations, ${sequences.length} sequences, ${tokens} tokens of which ${learnt} count in the loss${left}.`;
}
