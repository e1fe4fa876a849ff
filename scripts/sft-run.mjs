import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMain, SetupError } from './command.mjs';
import { modelCache } from './model-cache.mjs';
import { setUp } from './setup.mjs';

// Fine-tunes SmolLM2-135M-Instruct on the example's 500 conversations, all weights and adapters alone, and writes docs/sft-runs.md with
// what came of it: node scripts/sft-run.mjs

const root = fileURLToPath(new URL('..', import.meta.url));
const example = 'examples/sft/smollm2-tools.yaml';
const modelFile = 'smollm2/SmolLM2-135M-Instruct.Q4_1.gguf';

/** What each run has beside the example's config. */
const variants = {
  'all weights': [],
  'LoRA, rank 16': ['model.loraRank=16', 'model.loraAlpha=32', 'optimizer.lr=3.0e-4'],
};

await runMain(main);

async function main() {
  await setUp();
  const cache = await modelCache(root);
  if (cache === undefined) throw new SetupError('the run needs the model: leave VERLET_MODEL_CACHE=none out');
  const folder = mkdtempSync(join(tmpdir(), 'verlet-sft-run-'));
  try {
    await finished(spawn(process.execPath, [join(root, 'examples/sft/make-conversations.mjs'), folder]));
    const rows = [];
    for (const [name, keys] of Object.entries(variants)) rows.push(await run({ name, keys, folder, cache }));
    writeFileSync(join(root, 'docs/sft-runs.json'), `${JSON.stringify(rows, undefined, 1)}\n`);
    writeFileSync(join(root, 'docs/sft-runs.svg'), chart(rows));
    writeFileSync(join(root, 'docs/sft-runs.md'), page(rows));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run({ name, keys, folder, cache }) {
  const directory = join(folder, name.replaceAll(/\W+/g, '-'));
  const startedAt = performance.now();
  const words = [
    ...[join(root, 'dist/cli/main.js'), 'sft', join(root, example), '--run-dir', directory],
    ...[
      `model.path=${join(cache, modelFile)}`,
      `data.trainFiles=${folder}/train.jsonl`,
      `data.valFiles=${folder}/val.jsonl`,
    ],
    ...keys,
  ];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 2, 2] });
  let peakBytes = 0;
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(child.pid));
  }, 500);
  await finished(child).finally(() => clearInterval(watch));
  const records = readFileSync(join(directory, 'metrics.jsonl'), 'utf8').trim().split('\n').map(JSON.parse);
  const series = (key) => records.flatMap(({ step, data }) => (key in data ? [[step, data[key]]] : []));
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    name,
    keys,
    seconds,
    peakBytes,
    train: series('train/loss'),
    val: series('val/loss'),
    tokens: total(series('train/global_tokens')),
  };
}

function finished(child) {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new SetupError(`the run ended with exit code ${code}`)),
    );
  });
}

/** Of a process and all below it, from /proc; 0 where there is none. */
function residentBytes(pid) {
  const processes = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap(statusOf);
  const below = new Set([pid]);
  for (let size = 0; size < below.size; ) {
    size = below.size;
    for (const { id, parent } of processes) if (below.has(parent)) below.add(id);
  }
  return total(processes.filter(({ id }) => below.has(id)).map(({ bytes }) => [0, bytes]));
}

function statusOf(entry) {
  try {
    const text = readFileSync(`/proc/${entry}/status`, 'utf8');
    const number = (key) => Number(new RegExp(`^${key}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0);
    return [{ id: Number(entry), parent: number('PPid'), bytes: 1024 * number('VmRSS') }];
  } catch {
    return []; // it has ended meanwhile
  }
}

function total(series) {
  return series.reduce((sum, [, value]) => sum + value, 0);
}

function page(rows) {
  const line = ({ name, seconds, peakBytes, val, tokens }) =>
    `| ${[
      name,
      val[0][1].toFixed(3),
      val.at(-1)[1].toFixed(3),
      `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`,
      `${(peakBytes / 2 ** 30).toFixed(2)} GiB`,
      (tokens / seconds).toFixed(0),
    ].join(' | ')} |`;
  return `# Fine-tuning a real model

SmolLM2-135M-Instruct, dequantised from Q4_1, learns to call tools: one pass over 500 synthetic conversations, 50 others held out
([the example](../examples/sft/smollm2-tools.yaml)). Loss is the mean over the assistant's tokens, in nats. This page is written by \`scripts/sft-run.mjs\`,
seed 1, every run that it made, on ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}.

| trained | held-out loss before | after | wall clock, all included | peak memory of all processes | training tokens a second |
| --- | --- | --- | --- | --- | --- |
${rows.map(line).join('\n')}

![held-out and training loss by step](sft-runs.svg)

Beside the example's config: ${rows.map(({ name, keys }) => `${name}: ${keys.length === 0 ? 'nothing' : keys.map((key) => `\`${key}\``).join(', ')}`).join('; ')}.
`;
}

/** Training loss thin, held-out loss thick, a colour a run. */
function chart(rows) {
  const [width, height, left, bottom] = [640, 320, 48, 32];
  const steps = Math.max(...rows.flatMap(({ train }) => train.map(([step]) => step)));
  const most = Math.max(...rows.flatMap(({ train, val }) => [...train, ...val].map(([, loss]) => loss)));
  const x = (step) => left + ((width - left - 16) * step) / steps;
  const y = (loss) => height - bottom - ((height - bottom - 16) * loss) / most;
  const line = (series, stroke, strokeWidth) =>
    `<polyline fill="none" stroke="${stroke}" stroke-width="${strokeWidth}" points="${series.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(' ')}"/>`;
  const colors = ['#2563eb', '#ea580c'];
  const parts = rows.flatMap(({ name, train, val }, i) => [
    line(train, colors[i], 1),
    line(val, colors[i], 3),
    `<text x="${width - 16}" y="${28 + 18 * i}" text-anchor="end" fill="${colors[i]}">${name}: thick held out, thin training</text>`,
  ]);
  const axis = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = y(part * most).toFixed(1);
    return `<line x1="${left}" x2="${width - 16}" y1="${at}" y2="${at}" stroke="#ddd"/><text x="${left - 6}" y="${at}" text-anchor="end" dominant-baseline="middle">${(part * most).toFixed(2)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
${[...axis, ...parts].join('\n')}
<text x="${(width + left) / 2}" y="${height - 8}" text-anchor="middle">step</text>
</svg>
`;
}
