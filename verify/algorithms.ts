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

/**
 * Compares everything that a file expects with what we compute, one verdict an entry; what we do not know has failed. A section is a
 * table of entries, or else itself the only one, its name followed by the options.
 */
export async function* verifyAlgorithms({ inputs, expected }: Case): AsyncGenerator<Verdict> {
  for (const [key, content] of Object.entries(expected)) {
    const [section = '', ...options] = key.split(' ');
    const entries = options.length === 0 ? entriesOf(content) : [[options.join(' '), content] as const];
    if (entries.length === 0 && !sections.has(section)) yield failed(section, '', unknownSection());
    for (const entry of entries) yield verdictOf(section, entry, inputs);
  }
}

function entriesOf(content: unknown): readonly (readonly [string, unknown])[] {
  const table = z.record(z.string(), z.unknown()).safeParse(content);
  return table.success ? Object.entries(table.data) : [['', content]];
}

async function verdictOf(
  section: string,
  [entry, expected]: readonly [string, unknown],
  inputs: CaseInputs,
): Promise<Verdict> {
  const verify = sections.get(section);
  if (verify === undefined) return failed(section, entry, `unknown section; known: ${[...sections.keys()].join(', ')}`);
  try {
    const differences = await verify(entry, expected, inputs);
    const worst = differences.reduce((a, b) => (b.worst > a.worst ? b : a));
    return { section, entry, passed: worst.worst <= 1, worst: worst.worst, reason: worst.what };
  } catch (error) {
    return failed(section, entry, sentenceOf(error));
  }
}

function unknownSection(): string {
  return `unknown section; known: ${[...sections.keys()].join(', ')}`;
}

function failed(section: string, entry: string, reason: string): Verdict {
  return { section, entry, passed: false, worst: Number.POSITIVE_INFINITY, reason };
}

/** One line. */
function sentenceOf(error: unknown): string {
  if (error instanceof z.ZodError) return `expected numbers: ${oneLine(z.prettifyError(error))}`;
  return oneLine(error instanceof Error ? error.message : String(error));
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
