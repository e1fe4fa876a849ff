import { characterOfByte } from './byte-alphabet.js';
import { byteControlTokens } from './byte-tokenizer.js';
import { chatMlTemplate } from './chat-ml-template.js';
import type { TextFiles } from './text-files.js';

const bytes = characterOfByte.length;

/** The byte tokenizer as Hugging Face's files say it, so that others can load what was trained with it. */
export const byteTextFiles: TextFiles = {
  tokenizer: {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: byteControlTokens.map((content, i) => ({
      id: bytes + i,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(characterOfByte.map((character, byte) => [character, byte])),
      merges: [],
    },
  },
  config: {
    tokenizer_class: 'PreTrainedTokenizerFast',
    eos_token: '<|im_end|>',
    pad_token: '<|endoftext|>',
    clean_up_tokenization_spaces: false,
  },
  chatTemplate: chatMlTemplate,
  generation: { eos_token_id: [bytes + byteControlTokens.indexOf('<|im_end|>')] },
};
