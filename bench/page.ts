import { z } from 'zod';
import type { Bench } from './bench.js';
import { machineSchema } from './machine.js';
import { rowSchema } from './row.js';
import { markdownTable, tableOf } from './table.js';

/** What one run of all benches found: the contents of `docs/performance.json`. */
export const recordSchema = z.strictObject({ machine: machineSchema.nullable(), rows: z.array(rowSchema) });
export type PerformanceRecord = z.output<typeof recordSchema>;

/** The text of `docs/performance.md`, made from the record alone. */
export function performancePage({ machine, rows }: PerformanceRecord, benches: readonly Bench[]): string {
  const head = `# Performance

Written by \`npm run bench -- all --write\` from the rows of that one run, which are kept in
[performance.json](performance.json) with all raw figures. A ratio above 1 means that verlet is better than the peer, for speed, time and
memory alike; where the peer is a limit, the ratio is the share of it that is reached.

\`npm run bench -- NAME --json\` prints one line a case. PyTorch runs in a Python of its own, which the first run installs into the user's
cache; \`VERLET_TORCH_PYTHON\` names another one.
`;
  if (machine === null || rows.length === 0) return `${head}\nNothing has been measured yet.\n`;
  const { cpu, cores, isa, memoryBytes, node } = machine;
  const versions = Object.entries({ node, ...Object.assign({}, ...rows.map((row) => row.versions)) });
  return `${head}
Machine: ${cores} x ${cpu} (${isa}), ${Math.round(memoryBytes / 2 ** 30)} GiB of memory.
Versions: ${versions.map(([name, version]) => `${name} ${version}`).join(', ')}.
${benches.map((bench) => section(bench, rows)).join('')}`;
}

function section(bench: Bench, all: PerformanceRecord['rows']): string {
  const rows = all.filter((row) => row.bench === bench.name);
  if (rows.length === 0) return '';
  return `
## ${bench.name}

${bench.description}

\`\`\`sh
npm run bench -- ${bench.name}
\`\`\`

${markdownTable(tableOf(bench, rows))}`;
}
