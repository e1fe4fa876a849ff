import { byteTextFiles } from '../core/text/byte-text-files.js';
import { byteTokenizer } from '../core/text/byte-tokenizer.js';
import { chatFormat } from '../core/text/chat-format.js';
import type { TextFiles } from '../core/text/text-files.js';
import type { Tokenizer } from '../core/text/tokenizer.js';
import { chatMlRenderer, type Renderer, type RendererOptions } from './renderer.js';
import { templateRenderer } from './template-renderer.js';

/** How a run's model reads and writes. */
export interface ChatLanguage {
  readonly tokenizer: Tokenizer;
  readonly renderer: Renderer;
}

/** Of a checkpoint's text files; those of the byte tokenizer have a renderer of their own. */
export function chatLanguage(text: TextFiles, options: RendererOptions): ChatLanguage {
  if (text === byteTextFiles) return { tokenizer: byteTokenizer, renderer: chatMlRenderer(byteTokenizer, options) };
  const format = chatFormat(text);
  return { tokenizer: format.tokenizer, renderer: templateRenderer(format, options) };
}
