import type { MetricsRecord } from '../../core/trackers/record.js';
import { type Chart, chartSize, lineChart, type Series } from './line-chart.js';

/** Which metrics are drawn together; a key ending in `*` takes all that begin so. */
const plan: readonly { readonly title: string; readonly keys: readonly string[] }[] = [
  { title: 'Validation', keys: ['val-core/*'] },
  { title: 'Held-out loss (nats a token)', keys: ['val/loss'] },
  { title: 'Training loss (nats a token)', keys: ['train/loss'] },
  { title: 'Score', keys: ['critic/score/mean', 'critic/score/min', 'critic/score/max'] },
  { title: 'Entropy (nats a token)', keys: ['actor/entropy'] },
  { title: 'KL from the rollout policy', keys: ['actor/ppo_kl'] },
  { title: 'Response length (tokens)', keys: ['response_length/mean', 'response_length/max'] },
  { title: 'Turns and tool calls an episode', keys: ['num_turns/mean', 'tool_call_counts/mean'] },
  { title: 'Policy loss', keys: ['actor/pg_loss'] },
  { title: 'Clipped share of tokens', keys: ['actor/pg_clipfrac', 'actor/pg_clipfrac_lower'] },
  { title: 'Truncated share, failed episodes', keys: ['response_length/clip_ratio', 'rollout/failed'] },
  { title: 'Gradient norm', keys: ['actor/grad_norm', 'train/grad_norm'] },
  { title: 'Learning rate', keys: ['actor/lr', 'train/lr'] },
  {
    title: 'Time a step (s)',
    keys: ['timing_s/step', 'timing_s/gen', 'timing_s/update_actor', 'timing_s/update', 'timing_s/testing'],
  },
  { title: 'Throughput (tokens/s)', keys: ['perf/throughput'] },
  { title: 'Peak memory of an update (GiB)', keys: ['perf/max_memory_allocated_gb', 'perf/max_memory_reserved_gb'] },
  { title: 'Event-loop lag (ms, p99)', keys: ['perf/event_loop_lag_p99_ms'] },
];

/** The charts that have anything to show, over the training steps. */
export function chartsOf(metrics: readonly MetricsRecord[]): Chart[] {
  const names = [...new Set(metrics.flatMap(({ data }) => Object.keys(data)))];
  return plan
    .map(({ title, keys }) => ({ title, series: keys.flatMap((key) => seriesOf(key, names, metrics)) }))
    .filter(({ series }) => series.length > 0);
}

/** One chart as an SVG element for a page. */
export function chartElement(chart: Chart): string {
  const { width, height } = chartSize;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">${lineChart(chart)}</svg>`;
}

/** All charts on one sheet, two a row: an SVG file. */
export function curveSheet(metrics: readonly MetricsRecord[]): string {
  const charts = chartsOf(metrics);
  const [stepX, stepY] = [chartSize.width + 12, chartSize.height + 12];
  const [width, height] = [2 * stepX + 12, Math.max(1, Math.ceil(charts.length / 2)) * stepY + 12];
  const cells = charts.map((chart, index) => {
    const [x, y] = [12 + (index % 2) * stepX, 12 + Math.floor(index / 2) * stepY];
    return `<g transform="translate(${x} ${y})">${lineChart(chart)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="#f9fafb"/>`,
    ...cells,
    '</svg>\n',
  ].join('\n');
}

function seriesOf(key: string, names: readonly string[], metrics: readonly MetricsRecord[]): Series[] {
  const prefix = key.endsWith('*') ? key.slice(0, -1) : undefined;
  const chosen = names.filter((name) => (prefix === undefined ? name === key : name.startsWith(prefix)));
  return chosen.map((name) => ({
    name: prefix === undefined ? shortName(name) : name.slice(prefix.length),
    points: metrics.flatMap(({ step, data }) => (data[name] === undefined ? [] : [{ x: step, y: data[name] }])),
  }));
}

/** `score` for critic/score/mean, `max` for response_length/max. */
function shortName(key: string): string {
  const path = key.endsWith('/mean') ? key.slice(0, -'/mean'.length) : key;
  return path.slice(path.lastIndexOf('/') + 1);
}
