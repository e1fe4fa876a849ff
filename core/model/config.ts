import { z } from 'zod';
import { loraConfig } from './lora/lora-config.js';

/** The shape of a fresh model, a decoder like Qwen3's; names as in a checkpoint's config.json, in camelCase. */
const shape = {
  hiddenSize: z.int().min(8).default(96).describe('width of the residual stream'),
  numHiddenLayers: z.int().min(1).max(128).default(3).describe('decoder layers'),
  numAttentionHeads: z.int().min(1).default(4).describe('query heads'),
  numKeyValueHeads: z.int().min(1).default(2).describe('key and value heads; divides numAttentionHeads'),
  headDim: z.int().min(2).multipleOf(2).default(24).describe('size of one head; even'),
  intermediateSize: z.int().min(1).default(256).describe('width of the feed-forward layer'),
  ropeTheta: z.number().positive().default(10_000).describe('base of the rotary frequencies'),
  rmsNormEps: z.number().positive().max(1e-2).default(1e-6).describe('added to the mean square in RMSNorm'),
  maxPositionEmbeddings: z.int().min(16).default(1024).describe('longest context in tokens'),
  initializerRange: z.number().positive().max(1).default(0.02).describe('standard deviation of fresh weights'),
};

/** What is trained: a fresh model of this shape, or a pretrained one; names as in verl, in camelCase. */
export const modelConfig = z
  .strictObject({
    path: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe(
        'pretrained model: a directory, a GGUF file, or the id of a model on the Hub; null makes a fresh one of the shape below',
      ),
    customChatTemplate: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe(
        'file with a Jinja chat template to talk with instead of the model’s own; chatml is ChatML with hermes tool calls',
      ),
    ...shape,
    enableGradientCheckpointing: z
      .boolean()
      .default(false)
      .describe(
        'keep only the input of each layer for the gradient and compute the rest again: less memory, more time',
      ),
    ...loraConfig.shape,
    loraAdapterPath: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe('directory of a PEFT adapter to train further; its rank, scale and targets are taken'),
  })
  .superRefine((config, context) => {
    if (config.loraAdapterPath !== null && config.path === null) {
      const message = 'needs the model that the adapter was trained on; name it as model.path';
      context.addIssue({ code: 'custom', path: ['loraAdapterPath'], message });
    }
    if (config.numAttentionHeads % config.numKeyValueHeads !== 0) {
      context.addIssue({
        code: 'custom',
        path: ['numKeyValueHeads'],
        message: `must divide numAttentionHeads (${config.numAttentionHeads}), e.g. 1 or ${config.numAttentionHeads}`,
      });
    }
  });

export type ModelConfig = z.output<typeof modelConfig>;

/** Settings that a pretrained model brings along. */
export const shapeNames: readonly string[] = Object.keys(shape);
