import { expect, it } from 'vitest';
import { jsonProblem } from '../../../../core/model/safetensors/json-problem.js';

it.each(['{"a":1,"b":{"a":"a"}}', '[{"a":1},{"a":1}]', '{"a":"a","b":"{\\"a\\":1,\\"a\\":1}"}', '', '"', '}{'])(
  'there is none in %s',
  (text) => expect(jsonProblem(text, 3)).toBeUndefined(),
);

it.each([
  ['{"a":1,"a":1}', '"a" twice'],
  ['{"a":1,"\\u0061" :1}', '"a" twice'],
  ['{"b":{"x":{},"x":2}}', '"x" twice'],
  ['{"__proto__":1}', '"__proto__"'],
  ['{"\\u005f_proto__":1}', '"__proto__"'],
  ['[[[[', 'more than 3 levels'],
])('in %s it is found', (text, problem) => expect(jsonProblem(text, 3)).toContain(problem));

it('in millions of parts it is found before they take memory', () => {
  expect(jsonProblem(`[${'{},'.repeat(2_000_001)}`, 3)).toContain('more than 2000000 parts');
});
