import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../core/errors.js';
import { isPlainPath, parseModelId } from '../../../../core/model/hub/model-id.js';

describe('parseModelId', () => {
  const none = { revision: undefined, file: undefined };

  test.each([
    ['Qwen/Qwen3-0.6B', { hub: 'huggingface', name: 'Qwen/Qwen3-0.6B', ...none }],
    ['hf:Qwen/Qwen3-0.6B', { hub: 'huggingface', name: 'Qwen/Qwen3-0.6B', ...none }],
    ['hf://Qwen/Qwen3-0.6B', { hub: 'huggingface', name: 'Qwen/Qwen3-0.6B', ...none }],
    ['modelscope:Qwen/Qwen3-0.6B', { hub: 'modelscope', name: 'Qwen/Qwen3-0.6B', ...none }],
    ['a/b@refs/pr/3', { hub: 'huggingface', name: 'a/b', revision: 'refs/pr/3', file: undefined }],
    ['a/b:sub/x.gguf', { hub: 'huggingface', name: 'a/b', revision: undefined, file: 'sub/x.gguf' }],
    ['hf:a/b@v1.0:Q4_K_M', { hub: 'huggingface', name: 'a/b', revision: 'v1.0', file: 'Q4_K_M' }],
  ])('reads %s', (text, id) => {
    expect(parseModelId(text, 'huggingface')).toEqual(id);
  });

  test('a name without prefix means the default hub', () => {
    expect(parseModelId('a/b', 'modelscope')?.hub).toBe('modelscope');
    expect(parseModelId('hf:a/b', 'modelscope')?.hub).toBe('huggingface');
  });

  test.each(['gpt2', './a/b', '../b', '/a/b', 'a/b/c', 'a\\b', 'a/..', '-a/b', 'a/b--c', 'a/b.', 'a b/c', '', 'a/'])(
    '%j is no id',
    (text) => expect(parseModelId(text, 'huggingface')).toBeUndefined(),
  );

  test.each(['a/b@../../x', 'a/b@/etc', 'a/b@x\\y', 'a/b:../x.gguf', 'a/b:/x.gguf', 'a/b@x//y'])(
    '%s is refused',
    (text) => {
      expect(() => parseModelId(text, 'huggingface')).toThrow(ConfigError);
    },
  );
});

test('a plain path stays in its folder on every system', () => {
  const isPlain = (path: string): boolean => isPlainPath(path);
  expect(['a', 'a/b.c', '.hidden', 'a..b'].filter(isPlain)).toHaveLength(4);
  expect(
    ['', '.', '..', 'a/../b', '/a', 'a/', 'a//b', 'C:a', 'C:\\a', '\\\\host\\a', 'a\\..\\b', 'a\0b'].filter(isPlain),
  ).toEqual([]);
});
