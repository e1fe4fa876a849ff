import { z } from 'zod';
import type { AdvantageEstimator, ScoredMember } from './advantages/advantage-estimator.js';
import { grpo, grpoSettings } from './advantages/grpo.js';
import { ConfigError } from './errors.js';
import { lossAggModes } from './losses/aggregate.js';
import type { PolicyLoss, PolicyLossInput, PolicyLossOutput } from './losses/policy-loss.js';
import { sft, sftSettings } from './losses/sft.js';
import { vanilla, vanillaSettings } from './losses/vanilla.js';

// The table of algorithms: a new one is a file beside these and a row here. Names are verl's.

const advantageEstimators = [estimator(grpoSettings, grpo)] as const;

const policyLosses = [policyLoss(vanillaSettings, vanilla)] as const;

/** Losses of other stages than reinforcement learning; not offered as `algorithm.policyLoss`. */
const supervisedLosses = [policyLoss(sftSettings, sft)] as const;

export const algorithmConfig = z.strictObject({
  advEstimator: settingsOf(advantageEstimators).prefault({ name: 'grpo' }).describe('how rewards become advantages'),
  policyLoss: settingsOf(policyLosses).prefault({ name: 'vanilla' }).describe('the loss that advantages weight'),
  lossAggMode: z.enum(lossAggModes).default('token-mean').describe('how token losses become one number'),
  entropyCoeff: z.number().min(0).default(0).describe('weight of the entropy bonus'),
  ppoEpochs: z.int().min(1).max(64).default(1).describe('passes over the trajectories of a step'),
  ppoMiniBatchSize: z.int().min(1).default(64).describe('sequences an optimizer step'),
  ppoMaxTokenLenPerGpu: z
    .int()
    .min(1)
    .default(16_384)
    .describe('tokens a forward pass, of whole sequences; changes speed and memory only'),
});

export type AlgorithmConfig = z.output<typeof algorithmConfig>;

/** Advantages by the estimator that `settings.name` names. Throws ConfigError when the table has no such row. */
export function estimateAdvantages(
  settings: AlgorithmConfig['advEstimator'],
  groups: readonly (readonly ScoredMember[])[],
): ReturnType<AdvantageEstimator<unknown>> {
  return rowOf('advantage estimator', advantageEstimators, settings.name).estimate(groups, settings);
}

/** Token losses by the loss that `settings.name` names. Throws ConfigError when the table has no such row. */
export function computePolicyLoss(settings: { readonly name: string }, input: PolicyLossInput): PolicyLossOutput {
  return rowOf('policy loss', [...policyLosses, ...supervisedLosses], settings.name).loss(input, settings);
}

type Settings = z.ZodObject<{ name: z.ZodLiteral<string> }>;

function estimator<Schema extends Settings>(settings: Schema, estimate: AdvantageEstimator<z.output<Schema>>) {
  return {
    settings,
    estimate: (groups: readonly (readonly ScoredMember[])[], raw: unknown) =>
      estimate(groups, parseSettings(settings, raw)),
  };
}

function policyLoss<Schema extends Settings>(settings: Schema, loss: PolicyLoss<z.output<Schema>>) {
  return { settings, loss: (input: PolicyLossInput, raw: unknown) => loss(input, parseSettings(settings, raw)) };
}

/** What came from another process may be wrong: the user's fault, in one sentence. */
function parseSettings<Schema extends Settings>(settings: Schema, raw: unknown): z.output<Schema> {
  const parsed = settings.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new ConfigError(`settings of ${settings.shape.name.value}: ${z.prettifyError(parsed.error)}`);
}

function settingsOf<Schema extends Settings>(rows: readonly [{ settings: Schema }, ...{ settings: Schema }[]]) {
  const [first, ...rest] = rows;
  return z.discriminatedUnion('name', [first.settings, ...rest.map(({ settings }) => settings)]);
}

function rowOf<Row extends { settings: Settings }>(kind: string, rows: readonly Row[], name: string): Row {
  const names = rows.map(({ settings }) => settings.shape.name.value);
  const row = rows[names.indexOf(name)];
  if (row === undefined) throw new ConfigError(`unknown ${kind} '${name}'; known: ${names.join(', ')}`);
  return row;
}
