import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runMain } from './command.mjs';
import { setUp } from './setup.mjs';

// Trains with each algorithm on the frozen lake, three seeds each, and writes docs/algorithm-runs.md with what came of every run:
// node scripts/algorithm-runs.mjs [NAME…]

const root = fileURLToPath(new URL('..', import.meta.url));
const example = 'examples/algorithms/frozen-lake.yaml';
const seeds = [1, 2, 3];

/** What makes each algorithm of the example: keys of the config. */
const algorithms = {
  PPO: [
    'algorithm.advEstimator={name: gae, gamma: 1, lam: 0.95}',
    'critic={ppoMiniBatchSize: 32, optimizer: {lr: 3.0e-3, weightDecay: 0, betas: [0.9, 0.95]}}',
  ],
  GRPO: ['algorithm.advEstimator={name: grpo}'],
  RLOO: ['algorithm.advEstimator={name: rloo}'],
  'REINFORCE++': ['algorithm.advEstimator={name: reinforce_plus_plus}'],
  ReMax: ['algorithm.advEstimator={name: remax}'],
  DAPO: [
    'algorithm.policyLoss={name: vanilla, clipRatioHigh: 0.28, clipRatioC: 10}',
    'algorithm.filterGroups={name: dapo, maxNumGenBatches: 3}',
    'algorithm.overlongBuffer={enable: true, len: 4}',
  ],
  'Dr. GRPO': [
    'algorithm.advEstimator={name: grpo, normAdvByStdInGrpo: false}',
    'algorithm.lossAggMode=seq-mean-token-sum-norm',
  ],
  GSPO: ['algorithm.policyLoss={name: gspo, clipRatioLow: 0.03, clipRatioHigh: 0.04}'],
  CISPO: ['algorithm.policyLoss={name: cispo}'],
  GiGPO: ['algorithm.advEstimator={name: gigpo}'],
};

await runMain(main);

async function main() {
  await setUp();
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(algorithms);
  const jobs = names.flatMap((name) => seeds.map((seed) => ({ name, seed })));
  const rows = [];
  await Promise.all(
    cpus()
      .slice(0, 2)
      .map(() => work(jobs, rows)),
  );
  const ordered = names.flatMap((name) =>
    seeds.flatMap((seed) => rows.filter((row) => row.name === name && row.seed === seed)),
  );
  writeFileSync(`${root}/docs/algorithm-runs.json`, `${JSON.stringify(ordered, undefined, 1)}\n`);
  writeFileSync(`${root}/docs/algorithm-runs.svg`, chart(names, ordered));
  writeFileSync(`${root}/docs/algorithm-runs.md`, page(names, ordered));
}

/** Takes one job after the other: two runs at a time, of one thread each. */
async function work(jobs, rows) {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) rows.push(await trainOne(job));
}

/** Trains once as a user would and reads back what the run directory says. */
async function trainOne({ name, seed }) {
  const directory = `${root}/runs/algorithms/${name.toLowerCase().replaceAll(/[^a-z]+/g, '-')}-${seed}`;
  rmSync(directory, { recursive: true, force: true });
  const options = ['--json', '--quiet', '--seed', `${seed}`, '--run-dir', directory];
  const output = await run(['dist/cli/main.js', 'train', example, ...algorithms[name], ...options]);
  const summary = JSON.parse(output.trim().split('\n').at(-1));
  const records = readFileSync(`${directory}/metrics.jsonl`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const curve = (key) => records.flatMap(({ step, data }) => (key in data ? [[step, round(data[key])]] : []));
  const { initialReward, finalReward, steps, seconds } = summary;
  const row = {
    name,
    seed,
    initialReward,
    finalReward,
    steps,
    seconds,
    evalCurve: curve('val-core/frozen_lake/reward/mean@1'),
    trainCurve: curve('critic/score/mean'),
  };
  process.stderr.write(
    `${name} seed ${seed}: ${round(initialReward)} -> ${round(finalReward)} in ${Math.round(seconds)} s\n`,
  );
  return row;
}

function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${args.join(' ')} ended with ${code}`)),
    );
  });
}

function page(names, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const of = (name) => rows.filter((row) => row.name === name);
  const steps = rows[0].evalCurve.map(([step]) => step);
  const gain = ({ initialReward, finalReward }) => `${round(initialReward)} → ${round(finalReward)}`;
  const meanAt = (name, i) => round(mean(of(name).map((row) => row.evalCurve[i]?.[1] ?? Number.NaN)));
  return [
    '# Do the algorithms learn?',
    '',
    `Written by \`node scripts/algorithm-runs.mjs\` from the run directories of \`verlet train ${example}\` with the keys`,
    `below; every run of these settings is here. Machine: ${cpus().length} x ${cpus()[0].model.trim()}, Node ${process.version}, two runs at a time.`,
    'Rewards are means over the same evaluation tasks, sampled at temperature 1, before and after training; the same seed has the',
    'same start. Settings are those of the example but for the keys, not tuned for each algorithm: the table says that each learns,',
    'not which is best. The curves are in [algorithm-runs.json](algorithm-runs.json).',
    '',
    '![Mean reward of the training episodes by step, the mean of three seeds](algorithm-runs.svg)',
    '',
    line(['algorithm', ...seeds.map((seed) => `seed ${seed}`), 'mean', 'seconds a run']),
    line(Array(seeds.length + 3).fill('---')),
    ...names.map((name) =>
      line([
        name,
        ...of(name).map(gain),
        `${round(mean(of(name).map((row) => row.initialReward)))} → ${round(mean(of(name).map((row) => row.finalReward)))}`,
        Math.round(mean(of(name).map(({ seconds }) => seconds))),
      ]),
    ),
    '',
    'Evaluation reward by step, the mean of the seeds:',
    '',
    line(['algorithm', ...steps]),
    line(Array(steps.length + 1).fill('---')),
    ...names.map((name) => line([name, ...steps.map((_, i) => meanAt(name, i))])),
    '',
    'What makes each algorithm:',
    '',
    line(['algorithm', 'keys']),
    line(['---', '---']),
    ...names.map((name) => line([name, algorithms[name].map((key) => `\`${key}\``).join('<br>')])),
    '',
  ].join('\n');
}

/** One line an algorithm: the training reward, mean over seeds and over five steps. */
function chart(names, rows) {
  const [width, height, left, bottom] = [860, 420, 46, 34];
  const colours = [
    '#1f77b4',
    '#ff7f0e',
    '#2ca02c',
    '#d62728',
    '#9467bd',
    '#8c564b',
    '#e377c2',
    '#7f7f7f',
    '#bcbd22',
    '#17becf',
  ];
  const curves = names.map((name) =>
    smooth(meanCurve(rows.filter((row) => row.name === name).map((row) => row.trainCurve))),
  );
  const last = Math.max(...curves.flat().map(([step]) => step));
  const top = Math.max(0.1, ...curves.flat().map(([, value]) => value)) * 1.05;
  const x = (step) => (left + ((width - left - 150) * (step - 1)) / Math.max(1, last - 1)).toFixed(1);
  const y = (value) => (height - bottom - ((height - bottom - 12) * value) / top).toFixed(1);
  const text = (px, py, words, anchor = 'start') =>
    `<text x="${px}" y="${py}" font-family="sans-serif" font-size="12" text-anchor="${anchor}" fill="#444">${words}</text>`;
  const ticks = Array.from({ length: Math.floor(top / 0.1) + 1 }, (_, i) => i / 10);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    '<title>Mean reward of the training episodes by step</title>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...ticks.map(
      (value) =>
        `<path d="M${left} ${y(value)}H${width - 150}" stroke="#ddd"/>${text(left - 6, y(value), value, 'end')}`,
    ),
    text(left, height - 8, 'step 1'),
    text(x(last), height - 8, `step ${last}`, 'end'),
    ...curves.map((curve, i) => {
      const points = curve.map(([step, value]) => `${x(step)},${y(value)}`).join(' ');
      const colour = colours[i % colours.length];
      const label = text(width - 116, 24 + 18 * i, names[i]);
      return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.8"/><path d="M${width - 140} ${20 + 18 * i}h18" stroke="${colour}" stroke-width="3"/>${label}`;
    }),
    '</svg>',
    '',
  ].join('\n');
}

function meanCurve(curves) {
  return curves[0].map(([step], i) => [step, mean(curves.map((curve) => curve[i]?.[1] ?? Number.NaN))]);
}

function smooth(curve) {
  return curve.map(([step], i) => [step, mean(curve.slice(Math.max(0, i - 2), i + 3).map(([, value]) => value))]);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function round(value) {
  return Math.round(value * 1000) / 1000;
}
