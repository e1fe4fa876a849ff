import { expect, test } from 'vitest';
import { expectOptions, numberOption, parseEntryName, textOption } from '../../verify/entry-name.js';

test('a name is a function and its options, or options alone', () => {
  const gae = parseEntryName('gae gamma=0.99  lam=1e-3');
  expect([gae.name, numberOption(gae, 'gamma'), numberOption(gae, 'lam')]).toEqual(['gae', 0.99, 0.001]);
  const correction = parseEntryName('rollout_is=token rs_threshold=0.5_2.0');
  expect([correction.name, textOption(correction, 'rs_threshold')]).toEqual(['', '0.5_2.0']);
});

test('what cannot be read is refused', () => {
  expect(() => parseEntryName('gae lambda')).toThrow("cannot read 'lambda': expected option=value");
  expect(() => expectOptions(parseEntryName('k1 gamma=1'), [])).toThrow("unknown option 'gamma'; known: none");
  expect(() => textOption(parseEntryName('gae'), 'gamma')).toThrow("no option 'gamma'");
  expect(() => numberOption(parseEntryName('gae gamma=one'), 'gamma')).toThrow("'one' is not a number");
  expect(() => numberOption(parseEntryName('gae gamma='), 'gamma')).toThrow("'' is not a number");
});
