import { GGMLQuantizationType } from '@huggingface/gguf';
import { bf16 } from './bf16.js';
import type { BlockFormat } from './block-format.js';
import { f16 } from './f16.js';
import { f32 } from './f32.js';
import { q4_0 } from './q4-0.js';
import { q4_1 } from './q4-1.js';
import { q4_k } from './q4-k.js';
import { q5_0 } from './q5-0.js';
import { q5_1 } from './q5-1.js';
import { q5_k } from './q5-k.js';
import { q6_k } from './q6-k.js';
import { q8_0 } from './q8-0.js';

/** The formats that can be read, by the number a GGUF file has for them. */
export const blockFormats: ReadonlyMap<number, BlockFormat> = new Map([
  [GGMLQuantizationType.F32, f32],
  [GGMLQuantizationType.F16, f16],
  [GGMLQuantizationType.BF16, bf16],
  [GGMLQuantizationType.Q8_0, q8_0],
  [GGMLQuantizationType.Q4_0, q4_0],
  [GGMLQuantizationType.Q4_1, q4_1],
  [GGMLQuantizationType.Q5_0, q5_0],
  [GGMLQuantizationType.Q5_1, q5_1],
  [GGMLQuantizationType.Q4_K, q4_k],
  [GGMLQuantizationType.Q5_K, q5_k],
  [GGMLQuantizationType.Q6_K, q6_k],
]);

/** What messages call the type of that number. */
export function formatName(type: number): string {
  const name: unknown = GGMLQuantizationType[type];
  return typeof name === 'string' ? name : `number ${type}`;
}
