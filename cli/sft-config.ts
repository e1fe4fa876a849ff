import { z } from 'zod';
import { columnsGoTogether, sftColumns } from '../core/data/sft-rows.js';
import { modelConfig } from '../core/model/config.js';
import { optimizerConfig } from '../core/schedule.js';
import { supervisedLoopConfig } from '../core/sft/train-supervised.js';
import { engineConfig } from '../rollout/policy-server/config.js';
import { machineConfig, trackingConfig } from './common-config.js';

const files = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)], {
  error: 'a path or a list of paths, patterns such as data/*.parquet among them',
});
const maxSamples = z.int().min(1).nullable().default(null);

const dataConfig = z
  .strictObject({
    trainFiles: files.describe('.parquet, .jsonl or .json files to learn from, relative to the working directory'),
    valFiles: files.nullable().default(null).describe('the same, held out; null evaluates nothing'),
    trainMaxSamples: maxSamples.describe('learn from at most so many rows; null takes all'),
    valMaxSamples: maxSamples.describe('evaluate on at most so many rows; null takes all'),
    ...sftColumns,
    trainBatchSize: z.int().min(1).default(256).describe('sequences an optimizer step'),
    maxLength: z.int().min(2).default(1024).describe('most tokens of a sequence'),
    truncation: z
      .enum(['error', 'left', 'right'])
      .default('error')
      .describe('what becomes of a longer one: an error, or it is cut on that side'),
    trainOn: z.enum(['all', 'last']).default('all').describe('assistant turns that are learnt'),
    maxTokenLenPerGpu: z
      .union([z.int().min(1), z.literal('auto')])
      .default(8192)
      .describe('tokens a forward pass, of whole sequences packed end to end; auto takes what memoryBudgetGb holds'),
    memoryBudgetGb: z
      .number()
      .positive()
      .nullable()
      .default(null)
      .describe('what tensors may take in GiB, for auto; null takes a share of the memory that is free'),
  })
  .refine(columnsGoTogether, {
    path: ['responseKey'],
    message: 'goes together with promptKey; write both or none',
  });

const optimizer = optimizerConfig.shape;

/** The config of supervised fine-tuning. */
export const sftConfig = z.strictObject({
  ...machineConfig,
  name: machineConfig.name.unwrap().default('sft').describe('first part of the run directory’s name'),
  model: modelConfig.prefault({}).describe('what is trained'),
  data: dataConfig.describe('what is learnt from'),
  optimizer: optimizerConfig
    .extend({
      lr: optimizer.lr.unwrap().default(1e-5).describe('peak learning rate of AdamW'),
      lrScheduler: optimizer.lrScheduler.unwrap().default('cosine').describe('course of the rate after warm-up'),
      betas: optimizer.betas
        .unwrap()
        .default([0.9, 0.95])
        .describe("AdamW's decay of the first and of the second moment"),
      lrWarmupSteps: z
        .int()
        .min(0)
        .nullable()
        .default(null)
        .describe('steps of linear growth at the start; null takes a tenth of all'),
    })
    .prefault({})
    .describe('learning rate and its course'),
  trainer: z
    .strictObject({ ...supervisedLoopConfig.shape, ...trackingConfig })
    .prefault({})
    .describe('the loop, and where it writes'),
  engine: engineConfig.prefault({}).describe('the process that holds the weights'),
});

export type SftConfig = z.output<typeof sftConfig>;
