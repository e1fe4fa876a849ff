import { stringify } from 'yaml';
import type { MetricsRecord, TrajectoryRecord } from '../../core/trackers/record.js';
import { formatDuration, formatNumber } from '../text.js';
import { chartElement, chartsOf } from './curves.js';
import { type DecodeToken, decodeByte } from './decode-token.js';
import { escapeMarkup } from './markup.js';
import { pageStyle } from './page-style.js';
import { trajectoryView } from './trajectory-view.js';

export interface Report {
  readonly title: string;
  readonly config: unknown;
  readonly metrics: readonly MetricsRecord[];
  /** Those worth showing, in the order they shall stand. */
  readonly trajectories: readonly TrajectoryRecord[];
  readonly decode?: DecodeToken;
}

/** One page that needs nothing beside itself: curves, episodes, config. Whatever a model wrote is escaped. */
export function renderReport({ title, config, metrics, trajectories, decode = decodeByte }: Report): string {
  const charts = chartsOf(metrics).map((chart) => `<figure>${chartElement(chart)}</figure>`);
  const episodes = trajectories.map((record) => trajectoryView(record, decode));
  return [
    '<!DOCTYPE html>',
    '<html lang="en"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width"/>',
    `<title>${escapeMarkup(title)}</title><style>${pageStyle}</style></head><body>`,
    `<h1>${escapeMarkup(title)}</h1>`,
    `<dl>${headlines(metrics).join('')}</dl>`,
    `<section class="charts">${charts.length > 0 ? charts.join('\n') : '<p>No metrics yet.</p>'}</section>`,
    `<h2>Episodes</h2>${legend}`,
    episodes.length > 0 ? episodes.join('\n') : '<p>No trajectories were kept.</p>',
    `<h2>Config</h2><details><summary>config.yaml</summary><pre>${escapeMarkup(stringify(config))}</pre></details>`,
    '</body></html>\n',
  ].join('\n');
}

const legend =
  '<p class="legend">Tokens: <span class="sampled sure">sampled, p &gt; 0.5</span> <span class="sampled open">0.1 to 0.5</span> ' +
  '<span class="sampled rare">p &lt; 0.1</span> <span>not sampled (prompt, tools)</span>. Hover for log-prob and weights version.</p>';

function headlines(metrics: readonly MetricsRecord[]): string[] {
  const keys = [...new Set(metrics.flatMap(({ data }) => Object.keys(data)))];
  const validation = keys.filter((key) => key.startsWith('val-core/')).flatMap((key) => firstAndLast(key, metrics));
  const seconds = metrics.reduce((sum, { data }) => sum + (data['timing_s/step'] ?? 0), 0);
  const steps = metrics.reduce((most, { step }) => Math.max(most, step), 0);
  return [
    headline('steps', String(steps)),
    ...(seconds > 0 ? [headline('time in steps', formatDuration(seconds * 1000))] : []),
    ...validation,
    ...firstAndLast('critic/score/mean', metrics),
    ...firstAndLast('val/loss', metrics),
  ];
}

function firstAndLast(key: string, metrics: readonly MetricsRecord[]): string[] {
  const values = metrics.flatMap(({ data }) => (data[key] === undefined ? [] : [data[key]]));
  const [first, last] = [values[0], values.at(-1)];
  if (first === undefined || last === undefined) return [];
  return [headline(key, `${formatNumber(first)} → ${formatNumber(last)}`)];
}

function headline(name: string, value: string): string {
  return `<div><dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(value)}</dd></div>`;
}
