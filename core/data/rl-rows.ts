import { z } from 'zod';
import { parseConfig } from '../config.js';
import { ConfigError } from '../errors.js';
import type { Json, Message, Task } from '../types.js';
import { hfMessages } from './hf-message.js';
import { type FileRow, placeOf } from './row.js';

const json: z.ZodType<Json> = z.json();
const kwargs = z.record(z.string(), json);

const noMedia = z
  .unknown()
  .refine((given) => given === undefined || given === null || (Array.isArray(given) && given.length === 0), {
    error: 'media are not supported; leave such rows out',
  })
  .optional();

/** verl's row of reinforcement learning; null counts as missing, further columns are kept. */
const rlRow = z.looseObject({
  /** Picks the reward and groups metrics. */
  data_source: z.string().min(1),
  prompt: hfMessages,
  ability: z.string().nullish(),
  /** `style`: rule, or model for a reward model; data sets have names of their own besides. */
  reward_model: z.looseObject({ style: z.string().nullish(), ground_truth: json }),
  extra_info: z
    .looseObject({
      index: z.union([z.number(), z.string()]).nullish(),
      split: z.string().nullish(),
      need_tools_kwargs: z.boolean().nullish(),
      tools_kwargs: z.record(z.string(), z.looseObject({ create_kwargs: kwargs.nullish() }).nullish()).nullish(),
      interaction_kwargs: kwargs.nullish(),
      /** Names of the tools that this row offers; all when missing. */
      tool_selection: z.array(z.string()).nullish(),
    })
    .nullish(),
  agent_name: z.string().nullish(),
  images: noMedia,
  videos: noMedia,
});

/** What a row says, checked. */
export interface RlFields {
  readonly dataSource: string;
  readonly prompt: readonly Message[];
  readonly groundTruth: Json;
  /** Undefined where the row offers all tools. */
  readonly toolSelection: readonly string[] | undefined;
}

export type RlRow = FileRow & RlFields;

/** Throws ConfigError naming file, row and field where the row is not as verl has it. */
export function rlRowOf(fileRow: FileRow): RlRow {
  return { ...fileRow, ...fieldsOf(fileRow.row, placeOf(fileRow)) };
}

/** What the row says that a task was made from. */
export function rlFieldsOf({ id, data }: Task): RlFields {
  return fieldsOf(data, id);
}

function fieldsOf(row: Json, source: string): RlFields {
  const { data_source, prompt, reward_model, extra_info } = parseConfig(rlRow, row, { source });
  const groundTruth = reward_model.ground_truth;
  if (groundTruth === null) throw new ConfigError(`${source}: reward_model.ground_truth is missing`);
  return { dataSource: data_source, prompt, groundTruth, toolSelection: extra_info?.tool_selection ?? undefined };
}

/** The row as a task; `index` is its place among all rows of the split. */
export function rlTask({ row, dataSource }: Pick<RlRow, 'row' | 'dataSource'>, index: number): Task {
  return { id: `row-${index}`, dataSource, data: row };
}

/** True for a row that needs arguments for its tools and has none. */
export function lacksToolsKwargs({ row }: FileRow): boolean {
  const { extra_info: extra } = row;
  const { need_tools_kwargs: isNeeded, tools_kwargs: given } = z
    .object({ need_tools_kwargs: z.boolean().catch(false), tools_kwargs: z.record(z.string(), json).catch({}) })
    .parse(typeof extra === 'object' && extra !== null ? extra : {});
  return isNeeded && Object.keys(given).length === 0;
}
