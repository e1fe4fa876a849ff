import { formatNumber } from '../text.js';
import { escapeMarkup } from './markup.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Chart {
  readonly title: string;
  readonly series: readonly Series[];
}

/** Width and height of every chart, in pixels. */
export const chartSize = { width: 420, height: 240 } as const;

const frame = { left: 56, right: 18, top: 50, bottom: 28 } as const;
const palette = ['#2563eb', '#dc2626', '#059669', '#d97706', '#7c3aed', '#0891b2', '#be185d', '#4b5563'] as const;

/** A line chart as an SVG group at the origin; points that are not finite leave a gap. Empty series are allowed. */
export function lineChart({ title, series }: Chart): string {
  const points = series.flatMap((one) => one.points).filter(isFinitePoint);
  const { left, right, top, bottom } = frame;
  const x = scaleOf(
    points.map((point) => point.x),
    { from: left, to: chartSize.width - right, rounded: false },
  );
  const y = scaleOf(
    points.map((point) => point.y),
    { from: chartSize.height - bottom, to: top, rounded: true },
  );
  const paths = series.map((one, index) => seriesPath(one, { x, y, color: colorOf(index) }));
  return [
    '<g font-family="system-ui, sans-serif" font-size="11" fill="#374151">',
    `<rect width="${chartSize.width}" height="${chartSize.height}" rx="8" fill="#ffffff" stroke="#e5e7eb"/>`,
    `<text x="14" y="21" font-size="13" font-weight="600" fill="#111827">${escapeMarkup(title)}</text>`,
    ...axisLines(x, y),
    ...legend(series),
    ...paths,
    '</g>',
  ].join('');
}

interface Scale {
  readonly ticks: readonly number[];
  place(value: number): number;
}

/** Places values between `from` and `to`; with `rounded` the ends are moved out to round numbers. */
function scaleOf(values: readonly number[], range: { from: number; to: number; rounded: boolean }): Scale {
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const ends = values.length === 0 ? [0, 1] : low === high ? widen(low) : [low, high];
  const [start, end, step] = roundEnds(ends, range.rounded);
  const first = Math.ceil(start / step - 1e-9);
  const count = Math.max(0, Math.floor(end / step + 1e-9) - first + 1);
  const ticks = Array.from({ length: count }, (_, index) => Number(((first + index) * step).toPrecision(12)));
  return { ticks, place: (value) => range.from + ((value - start) / (end - start)) * (range.to - range.from) };
}

/** Start, end and the distance of ticks: 1, 2 or 5 times a power of ten, for about five of them. */
function roundEnds([low = 0, high = 1]: readonly number[], rounded: boolean): [number, number, number] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.8) ?? 10);
  if (!rounded) return [low, high, step];
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step, step];
}

function widen(value: number): [number, number] {
  const margin = value === 0 ? 1 : Math.abs(value) / 2;
  return [value - margin, value + margin];
}

function axisLines(x: Scale, y: Scale): string[] {
  const [right, bottom] = [chartSize.width - frame.right, chartSize.height - frame.bottom];
  const horizontal = y.ticks.map((tick) => {
    const at = round(y.place(tick));
    const line = `<line x1="${frame.left}" y1="${at}" x2="${right}" y2="${at}" stroke="#f3f4f6"/>`;
    return `${line}<text x="${frame.left - 6}" y="${at + 4}" text-anchor="end" fill="#6b7280">${formatNumber(tick)}</text>`;
  });
  const vertical = x.ticks.map((tick) => {
    const at = round(x.place(tick));
    return `<text x="${at}" y="${bottom + 17}" text-anchor="middle" fill="#6b7280">${formatNumber(tick)}</text>`;
  });
  const base = `<line x1="${frame.left}" y1="${bottom}" x2="${right}" y2="${bottom}" stroke="#d1d5db"/>`;
  return [...horizontal, base, ...vertical];
}

function legend(series: readonly Series[]): string[] {
  let at: number = frame.left;
  return series.flatMap(({ name, points }, index) => {
    const last = points.findLast(isFinitePoint);
    const label = last === undefined ? name : `${name} ${formatNumber(last.y)}`;
    const width = 28 + label.length * 6.4;
    if (at + width > chartSize.width) return [];
    const mark = `<line x1="${round(at)}" y1="34" x2="${round(at + 12)}" y2="34" stroke="${colorOf(index)}" stroke-width="2"/>`;
    const text = `<text x="${round(at + 16)}" y="38" fill="#6b7280">${escapeMarkup(label)}</text>`;
    at += width;
    return [`${mark}${text}`];
  });
}

function seriesPath({ points }: Series, { x, y, color }: { x: Scale; y: Scale; color: string }): string {
  let pen = 'M';
  let path = '';
  for (const point of points) {
    if (!isFinitePoint(point)) pen = 'M';
    else {
      path += `${pen}${round(x.place(point.x))} ${round(y.place(point.y))}`;
      pen = 'L';
    }
  }
  if (path === '') return '';
  const drawn = points.filter(isFinitePoint);
  const dots = drawn.length > 40 ? [] : drawn;
  const line = `<path d="${path}" fill="none" stroke="${color}" stroke-width="1.6" stroke-linejoin="round"/>`;
  const marks = dots.map(
    (point) => `<circle cx="${round(x.place(point.x))}" cy="${round(y.place(point.y))}" r="2.2" fill="${color}"/>`,
  );
  return `${line}${marks.join('')}`;
}

function isFinitePoint({ x, y }: Point): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}

function colorOf(index: number): string {
  return palette[index % palette.length] ?? palette[0];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
