import { z } from 'zod';
import { klCtrlConfig, nextKlCoef } from '../core/controllers/kl-controller.js';
import { differenceOf } from './difference.js';
import { expectOptions, numberOf, numberOption, parseEntryName, textOption } from './entry-name.js';
import type { Section } from './section.js';

/** The coefficient after each of a series of KLs. */
export const adaptiveKlController: Section = (name, given) => {
  const entry = parseEntryName(name);
  expectOptions(entry, ['init', 'target', 'horizon', 'n_steps', 'kls']);
  const [targetKl, horizon, n] = (['target', 'horizon', 'n_steps'] as const).map((name) => numberOption(entry, name));
  const config = klCtrlConfig.parse({ type: 'adaptive', targetKl, horizon });
  let coef = numberOption(entry, 'init');
  const coefs = textOption(entry, 'kls')
    .split(',')
    .map((kl) => {
      coef = nextKlCoef(config, coef, { kl: numberOf(kl), n: n ?? 0 });
      return coef;
    });
  return [differenceOf('coefficients', coefs, z.array(z.number()).parse(given))];
};
