import { z } from 'zod';
import type { Json } from '../core/types.js';

const common = z.object({
  bench: z.string(),
  case: z.string(),
  peer: z.string(),
  ratio: z.number().positive(),
  backend: z.string(),
  threads: z.int().min(1),
  cpu: z.string(),
  versions: z.record(z.string(), z.string()),
});

/** A row as it was stored: what every row has, and its bench's own figures. */
export const rowSchema = common.catchall(z.json());

/**
 * One measured comparison. `ratio` is peer / ours for whatever is better when small, ours / peer otherwise: above 1 is better for us
 * in both. Where the peer is a limit it is the share of the limit.
 */
export type Row = z.output<typeof common> & { readonly [figure: string]: Json };
