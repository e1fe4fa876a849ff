import { describe } from 'vitest';
import { describeConformance } from './conformance.js';
import { whyNoBubblewrap } from './machine.js';

const problem = await whyNoBubblewrap();

describe.skipIf(problem !== undefined)(`bubblewrap${problem === undefined ? '' : ` (skipped: ${problem})`}`, () =>
  describeConformance('bubblewrap'),
);
