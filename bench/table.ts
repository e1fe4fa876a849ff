import { formatNumber } from '../cli/text.js';
import type { Json } from '../core/types.js';
import type { Bench } from './bench.js';
import type { Row } from './row.js';

/** The rows of one bench under their titles: what every row has, then the bench's own figures. All cells are text. */
export function tableOf({ columns }: Bench, rows: readonly Row[]): readonly (readonly string[])[] {
  const keys = ['case', 'peer', 'ratio', ...Object.keys(columns)];
  const titles = ['case', 'peer', 'ratio', ...Object.values(columns)];
  return [titles, ...rows.map((row) => keys.map((key) => cell(key, row[key])))];
}

/** For a terminal: columns aligned with spaces. */
export function plainTable(table: readonly (readonly string[])[]): string {
  const widths = widthsOf(table);
  return table
    .map(
      (cells) =>
        `${cells
          .map((text, i) => text.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** For a document. */
export function markdownTable([titles = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = widthsOf([titles, ...rows]);
  const line = (cells: readonly string[]) => `| ${cells.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' | ')} |\n`;
  const rule = widths.map((width) => '-'.repeat(width));
  return [titles, rule, ...rows].map(line).join('');
}

function widthsOf(table: readonly (readonly string[])[]): readonly number[] {
  return (table[0] ?? []).map((_, i) => Math.max(...table.map((cells) => cells[i]?.length ?? 0)));
}

function cell(key: string, value: Json | undefined): string {
  if (typeof value === 'number') {
    if (key.toLowerCase().endsWith('ratio')) return value.toFixed(2);
    return formatNumber(key.endsWith('Bytes') ? value / 1e6 : value);
  }
  return value === null || value === undefined ? '' : String(value);
}
