import { z } from 'zod';
import { type InferredColumns, inferColumns } from '../../core/types.js';

/**
 * What the policy server and its clients say to each other, besides the frames of an update (update-frames.ts):
 * JSON bodies, and for every failure an answer outside 2xx with `{failure}`.
 */

const tokenId = z.number().int().min(0).max(0x7fffffff);

export const generateRequestSchema = z.strictObject({
  tokens: z.array(tokenId).min(1),
  sampling: z.strictObject({
    temperature: z.number().min(0),
    maxTokens: z.number().int().min(1),
    stopTokens: z.array(tokenId),
    seed: z.number().int(),
    topK: z.number().int().min(0).exactOptional(),
    topP: z.number().positive().max(1).exactOptional(),
    minP: z.number().min(0).max(1).exactOptional(),
  }),
});

export const generationSchema = z
  .strictObject({
    tokens: z.array(tokenId),
    logprobs: z.array(z.number()),
    samplingLogprobs: z.array(z.number()).exactOptional(),
    versions: z.array(z.number().int().min(0)),
    finishReason: z.enum(['stop', 'length']),
  })
  .refine(
    ({ tokens, logprobs, versions, samplingLogprobs = logprobs }) =>
      [logprobs, versions, samplingLogprobs].every(({ length }) => length === tokens.length),
    { error: 'tokens, logprobs and versions differ in length' },
  );

const passes = {
  lossAggMode: z.string(),
  lossScaleFactor: z.number().positive(),
  ppoEpochs: z.number().int().min(1),
  ppoMiniBatchSize: z.number().int().min(1),
  ppoMaxTokenLenPerGpu: z.number().int().min(1),
  shuffle: z.boolean(),
  seed: z.number().int(),
  lr: z.number(),
  weightDecay: z.number(),
  betas: z.tuple([z.number(), z.number()]),
  gradClip: z.number(),
};

export const updateOptionsSchema = z.discriminatedUnion('model', [
  z.strictObject({
    model: z.literal('actor'),
    ...passes,
    policyLoss: z.object({ name: z.string() }).catchall(z.json()),
    entropyCoeff: z.number(),
    klLossCoef: z.number(),
    klLossType: z.string(),
    vfCoef: z.number(),
    cliprangeValue: z.number(),
    temperature: z.number().min(0),
  }),
  z.strictObject({ model: z.literal('critic'), ...passes, cliprangeValue: z.number() }),
  z.strictObject({
    model: z.literal('processReward'),
    ...passes,
    beta: z.number(),
    temperature: z.number().min(0),
  }),
  z.strictObject({ model: z.literal('rewardModel'), ...passes }),
]);

export const inferOptionsSchema = z.strictObject({
  columns: z.array(z.enum(inferColumns)),
  temperature: z.number().min(0),
  ppoMaxTokenLenPerGpu: z.number().int().min(1),
});

/** A number that is not finite travels as JSON's null and arrives as NaN. */
export const inferredSchema: z.ZodType<InferredColumns> = z.partialRecord(
  z.enum(inferColumns),
  z.array(
    z.array(
      z
        .number()
        .nullable()
        .transform((value) => value ?? Number.NaN),
    ),
  ),
);

/** A metric that is not finite travels as JSON's null and arrives as NaN. */
export const metricsSchema = z.record(
  z.string(),
  z
    .number()
    .nullable()
    .transform((value) => value ?? Number.NaN),
);

export const publishedSchema = z.strictObject({ version: z.number().int().min(0) });

export const directorySchema = z.strictObject({ directory: z.string().min(1) });

export const healthSchema = z.strictObject({
  status: z.enum(['ready', 'training']),
  /** Version of the weights that sampling uses. */
  version: z.number().int().min(0),
  backend: z.string(),
});

export const emptySchema = z.strictObject({});

export const failureSchema = z.object({
  failure: z.strictObject({ code: z.string(), message: z.string(), retryable: z.boolean() }),
});

/** The first problem of a body as one sentence. */
export function describeProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'the body is malformed';
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}
