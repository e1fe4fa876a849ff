import { z } from 'zod';

const temperature = z.number().min(0).max(10);
const topK = z.int().min(0);
const topP = z.number().positive().max(1);
const minP = z.number().min(0).max(1);

/** How tokens are drawn in an episode, where it is not the run's own way. */
export const samplingOverrides = z.strictObject({
  temperature: temperature.exactOptional(),
  topK: topK.exactOptional(),
  topP: topP.exactOptional(),
  minP: minP.exactOptional(),
});

export type SamplingOverrides = z.output<typeof samplingOverrides>;

/** How episodes are sampled and what they may spend. */
export const rolloutConfig = z.strictObject({
  n: z.int().min(1).max(1024).default(8).describe('episodes a task: the size of a group'),
  temperature: temperature.default(1).describe('sampling temperature; 0 picks the most likely token'),
  topK: topK.default(0).describe('sample from the so many likeliest tokens only; 0 = all'),
  topP: topP.default(1).describe('sample from the likeliest tokens that together have this probability; 1 = all'),
  minP: minP.default(0).describe('sample from tokens at least so many times as likely as the likeliest; 0 = all'),
  valKwargs: z
    .strictObject({
      n: z.int().min(1).max(1024).default(1).describe('episodes a task of an evaluation'),
      temperature: temperature.nullable().default(null).describe('sampling temperature of evaluations'),
      topK: topK.nullable().default(null).describe('likeliest tokens that evaluations sample from'),
      topP: topP.nullable().default(null).describe('probability that the tokens have which evaluations sample from'),
      minP: minP.nullable().default(null).describe('least relative likelihood of tokens that evaluations sample from'),
    })
    .prefault({})
    .describe('how evaluations sample; null takes the value that training has'),
  maxTurns: z.int().min(1).max(1000).default(4).describe('assistant turns an episode'),
  maxResponseTokens: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(256)
    .describe('sampled tokens an episode, all turns together'),
  maxTurnTokens: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(128)
    .describe('sampled tokens a turn; a turn cut by it is closed and answered, and the episode goes on'),
  maxContext: z.int().min(8).max(1_000_000).default(1024).describe('tokens of prompt, turns and observations together'),
  maxToolCalls: z.int().min(1).max(64).default(4).describe('calls run a turn; the rest are answered with a refusal'),
  episodeDeadlineMs: z
    .int()
    .min(100)
    .max(86_400_000)
    .default(60_000)
    .describe(
      'from reset to the last turn; when it passes the episode is truncated and scored, for which it may take as long again',
    ),
  showTools: z
    .boolean()
    .default(false)
    .describe("print the tools' schemas into the system message: for policies that have learnt to read them"),
});

export type RolloutConfig = z.infer<typeof rolloutConfig>;

/** How evaluations draw tokens where that is not the run's own way. */
export function validationSampling({ valKwargs }: RolloutConfig): SamplingOverrides {
  const { n: _, ...sampling } = valKwargs;
  return samplingOverrides.parse(Object.fromEntries(Object.entries(sampling).filter(([, value]) => value !== null)));
}
