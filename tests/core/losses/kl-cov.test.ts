import { expect, test } from 'vitest';
import { klCovSettings, prepareKlCov } from '../../../core/losses/kl-cov.js';
import { miniBatchOf } from '../../helpers/prepared-mini-batch.js';

/** Means 0: covariances are the products 4, 2, -1, 1.5, 7.2, 3.5. */
const given = { logProbs: [2, -2, 1, -1.5, 3, -2.5], advantages: [2, -1, -1, -1, 2.4, -1.4] };

test.each([
  [0.0002, [0, 0, 0, 0, 1, 0]],
  [0.5, [1, 0, 0, 0, 1, 1]],
  [1, [1, 1, 1, 1, 1, 1]],
])(
  'a share of %f of the tokens, at least one, is penalised: those with the highest covariance',
  (klCovRatio, chosen) => {
    const settings = klCovSettings.parse({ name: 'kl_cov', klCovRatio });
    expect([...prepareKlCov(miniBatchOf(given), settings)]).toEqual(chosen);
  },
);

test('no tokens have none to penalise', () => {
  const settings = klCovSettings.parse({ name: 'kl_cov' });
  expect(prepareKlCov(miniBatchOf({ logProbs: [], advantages: [] }), settings)).toHaveLength(0);
});
