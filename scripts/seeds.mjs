// Trains the example of `npm start` with several seeds, one after the other, and writes docs/learning.md from the run directories.
// Usage: node scripts/seeds.mjs [SEED …]        (default: 1 2 3 4 5; runs and their curves stay in runs/seed-N)
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const seeds = process.argv.slice(2).map(Number);
const rows = (seeds.length > 0 ? seeds : [1, 2, 3, 4, 5]).map(trainOne);
writeFileSync(`${root}/docs/learning.md`, page(rows));
writeFileSync(`${root}/docs/learning-curves.json`, `${JSON.stringify(rows, undefined, 1)}\n`);

/** Runs one seed as a user would and reads back what its run directory says. */
function trainOne(seed) {
  const directory = `${root}/runs/seed-${seed}`;
  rmSync(directory, { recursive: true, force: true });
  const output = run('npm', ['start', '--silent', '--', '--json', '--seed', `${seed}`, '--run-dir', directory]);
  const summary = JSON.parse(output.trim().split('\n').at(-1));
  const withoutTool = JSON.parse(run('node', ['dist/cli/main.js', 'eval', directory, 'tools=[]', '--json', '--quiet']));
  const records = readFileSync(`${directory}/metrics.jsonl`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const curve = (key) => records.flatMap(({ step, data }) => (key in data ? [[step, round(data[key])]] : []));
  const result = {
    seed,
    ...summary,
    rewardWithoutTool: withoutTool['val-core/arithmetic/reward/mean@1'],
    evalCurve: curve('val-core/arithmetic/reward/mean@1'),
    trainCurve: curve('critic/score/mean'),
  };
  process.stderr.write(`${JSON.stringify({ ...result, trainCurve: undefined })}\n`);
  return result;
}

function run(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1e9,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  return stdout;
}

function page(rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const steps = rows[0].evalCurve.map(([step]) => step);
  return [
    '# Does it learn?',
    '',
    'Written by `node scripts/seeds.mjs` from the run directories of `npm start -- --json --seed N`; every seed that was run is here.',
    `Machine: ${cpus().length} x ${cpus()[0].model.trim()}, Node ${process.version}. Rewards are means over the same 256 held-out tasks,`,
    'sampled at temperature 1; "without the tool" is the final policy with `tools=[]`; `toolCallRate` is the share of the last',
    "evaluation's episodes in which a tool ran. The training curves are in [learning-curves.json](learning-curves.json).",
    '',
    line(['seed', 'initial reward', 'final reward', 'without the tool', 'toolCallRate', 'steps', 'seconds']),
    line(Array(7).fill('---')),
    ...rows.map((row) =>
      line([
        row.seed,
        round(row.initialReward),
        round(row.finalReward),
        round(row.rewardWithoutTool),
        round(row.toolCallRate),
        row.steps,
        Math.round(row.seconds),
      ]),
    ),
    '',
    'Evaluation reward by step:',
    '',
    line(['seed', ...steps]),
    line(Array(steps.length + 1).fill('---')),
    ...rows.map((row) => line([row.seed, ...row.evalCurve.map(([, value]) => value)])),
    '',
  ].join('\n');
}

function round(value) {
  return Math.round(value * 1000) / 1000;
}
