import { expect, test } from 'vitest';
import { jinjaProgram } from '../../../core/text/jinja-program.js';

/** The right-hand sides are what jinja2 with trim_blocks, lstrip_blocks and loop controls prints. */
const CASES: readonly (readonly [string, string])[] = [
  ["{{ '\\n x \\n'.strip('\\n') }}|{{ ' x '.lstrip() }}|{{ ' x '.rstrip() }}|", ' x |x | x|'],
  ["{{ '\\ufeffx\\x1c' | trim }}|".replace('\\ufeff', '\ufeff').replace('\\x1c', '\x1c'), '\ufeffx|'],
  ['{{ true }} {{ none }} {{ missing }} {{ 1.0 }} {{ 3 }}', 'True None  1.0 3'],
  ["{{ [1, 'a\\'b', none, {'k': true}] }}", "[1, \"a'b\", None, {'k': True}]"],
  ["{{ 'a' ~ 1 ~ true }}", 'a1True'],
  [
    '{{ numbers | tojson }}',
    '[1e-05, 0.0001, 1e+16, 1.5e+300, 12345678901234567000, -0.5]'.replace('1e+16', '10000000000000000'),
  ],
  ["{{ {'b': 1, 'a': [1, {}]} | tojson(indent=2) }}", '{\n  "b": 1,\n  "a": [\n    1,\n    {}\n  ]\n}'],
  ["{{ {'b': 'é', 'a': 1} | tojson(ensure_ascii=true, sort_keys=true) }}", '{"a": 1, "b": "\\u00e9"}'],
  ['{% for x in [1, 2, 3] %}{{ x }}{% if x == 2 %}{% continue %}{% endif %}, {% endfor %}', '1, 23, '],
  ['{% for x in [1, 2, 3] %}{{ x }}{% if x == 2 %}!{% break %}{% endif %}, {% endfor %}', '1, 2!'],
  [
    '{% for x in [1, 2] %}{% for y in [1, 2] %}{% if y == 2 %}{% break %}{% endif %}{{ x }}{{ y }} {% endfor %}{% endfor %}',
    '11 21 ',
  ],
  ['{% for x in [1, 2] %}{{ y is defined }}{% set y = x %}{% endfor %}{{ y is defined }}', 'FalseFalseFalse'],
  ['{% set y = 0 %}{% for x in [1, 2] %}{{ y }}{% set y = x %}{{ y }}{% endfor %}{{ y }}', '01020'],
  ['a\n  {% if true %}\n  b\n  {% endif %}\nc', 'a\n  b\nc'],
  ['a{% generation %}b{% endgeneration %}c', 'abc'],
  ["{% macro m(x) %}<{{ x | trim }}>{% endmacro %}{{ m(' y ') }}", '<y>'],
];

test.each(CASES)('%s', (source, text) => {
  expect(
    jinjaProgram(source).run({
      numbers: [0.00001, 0.0001, 1e16, 1.5e300, 12345678901234567000, -0.5],
      none: null,
      true: true,
    }),
  ).toBe(text);
});
