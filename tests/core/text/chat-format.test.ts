import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { openText } from '../../../core/model/open-text.js';
import { byteTextFiles } from '../../../core/text/byte-text-files.js';
import { chatFormat } from '../../../core/text/chat-format.js';
import { TemporaryFolder } from '../../helpers/temporary-folder.js';
import { never } from '../../helpers/tiny-policy.js';
import { tinyFiles } from './tiny-tokenizer.js';

const end = 258;
const user = [{ role: 'user', content: 'hi' }] as const;

describe('stop tokens', () => {
  it('begin with the one that the template writes, then come those that the checkpoint names, each once', () => {
    expect(chatFormat(byteTextFiles).stopTokens).toEqual([end]);
    const generation = { eos_token_id: [256, end] };
    expect(chatFormat({ ...byteTextFiles, generation }).stopTokens).toEqual([end, 256]);
    const config = { ...byteTextFiles.config, eos_token: '<|endoftext|>' };
    expect(chatFormat({ ...byteTextFiles, config, generation: {} }).stopTokens).toEqual([end, 256]);
  });

  it('are those that the checkpoint names where the template writes none', () => {
    const chatTemplate = '{% for message in messages %}{{ message.content }}\n{% endfor %}';
    expect(chatFormat({ ...byteTextFiles, chatTemplate }).stopTokens).toEqual([end]);
  });

  it('are those of a tokenizer with merges too', () => {
    const format = chatFormat(tinyFiles());
    expect(format.stopTokens[0]).toBe(format.tokenizer.special('<|im_end|>'));
  });
});

it('a checkpoint without a chat template cannot be talked with', () => {
  expect(() => chatFormat({ ...byteTextFiles, chatTemplate: undefined })).toThrow(ConfigError);
});

describe('the text of a run', () => {
  const open = (customChatTemplate: string | null, tokenizer: Parameters<typeof openText>[0]['tokenizer'] = null) =>
    openText({ tokenizer, model: { path: null, customChatTemplate } }, { env: {} }, never);

  it('is that of bytes where nothing is named', async () => {
    expect(await open(null)).toBe(byteTextFiles);
    expect(await open(null, { name: 'byte' })).toBe(byteTextFiles);
  });

  it('has the chat template of a file that is named', async () => {
    using folder = new TemporaryFolder().write({ 'mine.jinja': '{{ messages[0].content }}<|im_end|>' });
    const { tokenizer, render } = chatFormat(await open(`${folder.path}/mine.jinja`));
    expect(tokenizer.decode(render({ messages: user }, { addGenerationPrompt: true }))).toBe('hi<|im_end|>');
  });

  it('has ChatML with tool calls where that is named', async () => {
    expect((await open('chatml')).chatTemplate).toBe(byteTextFiles.chatTemplate);
  });

  it('of a template that is not there is a ConfigError naming it', async () => {
    await expect(open('nowhere.jinja')).rejects.toThrow(
      /^model\.customChatTemplate names nowhere\.jinja, which cannot be read; write a file, or chatml$/,
    );
  });

  it('of a checkpoint without tokenizer says how to name one', async () => {
    const path = 'tests/fixtures/models/qwen3';
    const opened = openText({ tokenizer: null, model: { path, customChatTemplate: null } }, { env: {} }, never);
    await expect(opened).rejects.toThrow(/brings no tokenizer; name a checkpoint with one: tokenizer: \{name: /);
  });
});
