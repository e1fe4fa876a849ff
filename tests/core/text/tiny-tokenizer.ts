import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HfTokenizer, hfTokenizer } from '../../../core/text/hf-tokenizer.js';
import type { TextFiles } from '../../../core/text/text-files.js';

export const CHATML = `{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}`;

export function fixture(name: string): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/text', name), 'utf8'));
}

/** Files of a byte-level tokenizer with a few merges and ChatML's control tokens. */
export function tinyFiles(chatTemplate: string = CHATML): TextFiles {
  const config = { bos_token: null, eos_token: '<|im_end|>' };
  return { tokenizer: Object(fixture('tiny-tokenizer.json')), config, chatTemplate, generation: {} };
}

export function tinyTokenizer(): HfTokenizer {
  return hfTokenizer(tinyFiles());
}
