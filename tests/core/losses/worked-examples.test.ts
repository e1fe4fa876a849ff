import { expect, test } from 'vitest';
import { expectClose } from '../../helpers/expect-close.js';
import { withBackends } from '../../helpers/gradient.js';
import { type Tokens, tokenLosses } from '../../helpers/token-losses.js';

const near = { relative: 1e-5, absolute: 1e-6 };
const { exp, log } = Math;

interface Example {
  readonly claim: string;
  readonly settings: { readonly name: string; readonly [setting: string]: unknown };
  readonly tokens: Tokens;
  readonly losses: readonly number[];
  readonly slopes: readonly number[];
}

/** Log-ratios against an old log-prob of -1. */
function ratios(logRatios: readonly number[], advantages: readonly number[], rest: Partial<Tokens> = {}): Tokens {
  return {
    logProbs: logRatios.map((logRatio) => logRatio - 1),
    oldLogProbs: logRatios.map(() => -1),
    advantages,
    ...rest,
  };
}

const s = exp(0.1);
const sigmoid = (x: number): number => 1 / (1 + exp(-x));
const gate = (tau: number, ratio: number): number => (4 / tau) * sigmoid(tau * (ratio - 1));
const gateSlope = (tau: number, ratio: number): number =>
  4 * sigmoid(tau * (ratio - 1)) * (1 - sigmoid(tau * (ratio - 1))) * ratio;

const examples: readonly Example[] = [
  {
    claim: 'gspo gives each token the ratio of its sequence',
    settings: { name: 'gspo' },
    tokens: ratios([0.1, -0.2, 0.4, 1], [1, -1, 1, 1], { lengths: [3, 1] }),
    losses: [-s, s, -s, -1.2],
    slopes: [-s, s, -s, 0],
  },
  {
    claim: 'the ratio of a sequence in gspo is at most e to the 10',
    settings: { name: 'gspo' },
    tokens: ratios([15], [-1]),
    losses: [exp(10)],
    slopes: [0],
  },
  {
    claim: 'sapo closes its gate smoothly, faster where the advantage is negative',
    settings: { name: 'sapo' },
    tokens: ratios([0, 0, log(1.5), log(1.5)], [1, -1, 1, -1]),
    losses: [-2, 1.904762, -2.489837, 2.393585],
    slopes: [-1, 1, -gateSlope(1, 1.5), gateSlope(1.05, 1.5)],
  },
  {
    claim: 'gpg knows no ratio',
    settings: { name: 'gpg' },
    tokens: ratios([0.5, -0.5], [1, -2]),
    losses: [0.5, -3],
    slopes: [-1, 2],
  },
  {
    claim: 'clip_cov clips without a dual clip, and detached tokens cost nothing',
    settings: { name: 'clip_cov' },
    tokens: ratios([0.5, 0.5, 2, 0.1], [1, -1, -1, -1], { prepared: [0, 0, 0, 1] }),
    losses: [-1.2, exp(0.5), exp(2), 0],
    slopes: [0, exp(0.5), exp(2), 0],
  },
  {
    claim: 'kl_cov adds the distance from the old policy to chosen tokens, without a pull where there is none',
    settings: { name: 'kl_cov', ppoKlCoef: 0.5 },
    tokens: ratios([0.4, -0.4, 0, 0.4], [1, 1, 1, -1], { prepared: [1, 1, 1, 0] }),
    losses: [-exp(0.4) + 0.2, -exp(-0.4) + 0.2, -1, exp(0.4)],
    slopes: [-exp(0.4) + 0.5, -exp(-0.4) - 0.5, -1, exp(0.4)],
  },
  {
    claim: 'geo_mean clips each log-ratio on the side that its advantage asks for',
    settings: { name: 'geo_mean', clipRatioLow: 0.25 },
    tokens: ratios([0.1, -0.2, 0.4, 0.1, -0.2, 0.4], [1, 1, 1, -1, -1, -1], { lengths: [3, 3] }),
    losses: [-1.033895, -1.033895, -1.033895, s, s, s],
    slopes: [-1.033895, -1.033895, 0, s, s, s],
  },
  {
    claim: 'geo_mean averages importance weights geometrically',
    settings: { name: 'geo_mean' },
    tokens: ratios([0, 0], [1, 1], { rolloutIsWeights: [1, 4] }),
    losses: [-2, -2],
    slopes: [-2, -2],
  },
  {
    claim: 'cispo clips the weight of the gradient and keeps the gradient',
    settings: { name: 'cispo' },
    tokens: ratios([0.5, -0.5, 0.1], [1, 2, -1]),
    losses: [1.2 * 0.5, -0.8 * 2 * -1.5, exp(0.1) * -0.9],
    slopes: [-1.2, -1.6, exp(0.1)],
  },
  {
    claim: 'dppo_tv drops tokens that have moved far enough where their advantage sends them',
    settings: { name: 'dppo_tv', clipRatioC: 4 },
    tokens: {
      logProbs: [log(0.5), log(0.5), log(0.2), log(0.2), log(0.1)],
      oldLogProbs: [log(0.2), log(0.2), log(0.5), log(0.5), log(0.02)],
      advantages: [1, -1, 1, -1, 1],
    },
    losses: [0, 2.5 * log(0.5), -0.4 * log(0.2), 0, -4 * log(0.1)],
    slopes: [0, 2.5, -0.4, 0, -4],
  },
  {
    claim: 'dppo_kl measures the move by the divergence between this token and any other',
    settings: { name: 'dppo_kl' },
    tokens: {
      logProbs: [log(0.9), log(0.9), log(0.1), log(0.1), log(0.3)],
      oldLogProbs: [log(0.2), log(0.2), log(0.8), log(0.8), log(0.2)],
      advantages: [1, -1, 1, -1, 1],
    },
    losses: [0, 4.5 * log(0.9), -0.125 * log(0.1), 0, -1.5 * log(0.3)],
    slopes: [0, 4.5, -0.125, 0, -1.5],
  },
  {
    claim: 'dro pulls back with the square of the log-ratio',
    settings: { name: 'dro', droBeta: 0.5 },
    tokens: ratios([0.4, -2], [1, -1]),
    losses: [0.6 + 0.25 * 0.16, -3 + 0.25 * 4],
    slopes: [-1 + 0.2, 1 - 1],
  },
  {
    claim: 'reinforce weighs a token by its own truncated ratio',
    settings: { name: 'reinforce', isLevel: 'token' },
    tokens: ratios([0, 1, -0.5], [1, 1, -1], { rolloutIsWeights: [9, 9, 9] }),
    losses: [1, 0, exp(-0.5) * -1.5],
    slopes: [-1, -2, exp(-0.5)],
  },
  {
    claim: "reinforce weighs a token by its sequence's truncated ratio",
    settings: { name: 'reinforce', isLevel: 'sequence' },
    tokens: ratios([0, 1, -0.5, 3], [1, 1, -1, 1], { lengths: [3, 1] }),
    losses: [exp(0.5), 0, exp(0.5) * -1.5, -4],
    slopes: [-exp(0.5), -exp(0.5), exp(0.5), -2],
  },
  {
    claim: 'reinforce without importance weights is the policy gradient',
    settings: { name: 'reinforce', isLevel: 'none' },
    tokens: ratios([3, -3], [1, -1]),
    losses: [-2, -4],
    slopes: [-1, 1],
  },
  {
    claim: "luffy leaves the policy's own tokens unclipped and shapes an expert's probabilities",
    settings: { name: 'luffy' },
    tokens: { ...ratios([0.5, log(0.4) + 1, log(0.1) + 1], [1, 1, 2]), isOffPolicy: [0, 1, 1] },
    losses: [-exp(0.5), -0.8, -1],
    slopes: [-exp(0.5), -(0.1 / 0.25) * 0.4, -2 * (0.1 / 0.04) * 0.1],
  },
  {
    claim: "luffy clips the policy's own tokens where asked to",
    settings: { name: 'luffy', lossRemoveClip: false },
    tokens: { ...ratios([0.5, 0.5], [1, 1]), isOffPolicy: [0, 1] },
    losses: [-1.2, -exp(-0.5) / (exp(-0.5) + 0.1)],
    slopes: [0, (-0.1 * exp(-0.5)) / (exp(-0.5) + 0.1) ** 2],
  },
  {
    claim: 'sppo squares how far the log-ratio of a sequence is from what its advantage asks for',
    settings: { name: 'sppo', sppoEta: 2 },
    tokens: ratios([0.1, 0.3, -0.5], [1, 1, -1], { lengths: [2, 1] }),
    losses: [2.56, 2.56, 2.25],
    slopes: [-6.4, -6.4, 3],
  },
  {
    claim: 'dpo is linear in the log-probs with the slopes that were prepared',
    settings: { name: 'dpo' },
    tokens: ratios([0.5, -1], [1, -1], { prepared: [-0.05, 0.05] }),
    losses: [0.025, -0.1],
    slopes: [-0.05, 0.05],
  },
];

withBackends(() => {
  test.each(examples)('$claim', ({ settings, tokens, losses, slopes }) => {
    const actual = tokenLosses(settings, tokens);
    expectClose(actual.losses, losses, near, 'losses');
    expectClose(actual.slopes, slopes, near, 'slopes');
  });
});

test('the gate of sapo in the examples is that of its definition', () => {
  expectClose([gate(1, 1.5), gate(1.05, 1.5)], [2.489837, 2.393585], near);
  expect(gate(1, 1)).toBe(2);
});
