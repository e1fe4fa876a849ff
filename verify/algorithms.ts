import { z } from 'zod';
import { adaptiveKlController } from './adaptive-kl-controller.js';
import { advantages } from './advantages.js';
import { aggregate } from './aggregate.js';
import type { Case, CaseInputs } from './case-file.js';
import { klPenalties } from './kl-penalties.js';
import { policyLosses } from './policy-losses.js';
import { rolloutCorrection } from './rollout-correction.js';
import type { Section } from './section.js';
import { valueLoss } from './value-loss.js';

const sections: ReadonlyMap<string, Section> = new Map([
  ['advantages', advantages],
  ['policy_losses', policyLosses],
  ['kl_penalties', klPenalties],
  ['value_loss', valueLoss],
  ['aggregate', aggregate],
  ['adaptive_kl_controller', adaptiveKlController],
  ['rollout_correction', rolloutCorrection],
]);

/** What became of one entry of `expected`. */
export interface Verdict {
  readonly section: string;
  readonly entry: string;
  readonly passed: boolean;
  /** Largest error, as a multiple of what is allowed; Infinity where nothing could be compared. */
  readonly worst: number;
  /** Which number that was, or why nothing could be compared. */
  readonly reason: string;
}

/** Compares everything that a file expects with what we compute, one verdict an entry; what we do not know has failed. */
export async function* verifyAlgorithms({ inputs, expected }: Case): AsyncGenerator<Verdict> {
  for (const [section, entries] of Object.entries(expected)) {
    const verify = sections.get(section);
    const parsed = z.record(z.string(), z.unknown()).safeParse(entries);
    if (verify === undefined) yield failed(section, '', `unknown section; known: ${[...sections.keys()].join(', ')}`);
    else if (!parsed.success) yield failed(section, '', 'is not a table of entries');
    else for (const entry of Object.entries(parsed.data)) yield verdictOf(section, verify, entry, inputs);
  }
}

async function verdictOf(
  section: string,
  verify: Section,
  [entry, expected]: readonly [string, unknown],
  inputs: CaseInputs,
): Promise<Verdict> {
  try {
    const differences = await verify(entry, expected, inputs);
    const worst = differences.reduce((a, b) => (b.worst > a.worst ? b : a));
    return { section, entry, passed: worst.worst <= 1, worst: worst.worst, reason: worst.what };
  } catch (error) {
    return failed(section, entry, sentenceOf(error));
  }
}

function failed(section: string, entry: string, reason: string): Verdict {
  return { section, entry, passed: false, worst: Number.POSITIVE_INFINITY, reason };
}

function sentenceOf(error: unknown): string {
  if (error instanceof z.ZodError) return `expected numbers: ${z.prettifyError(error).replaceAll(/\s+/g, ' ')}`;
  return error instanceof Error ? error.message : String(error);
}
