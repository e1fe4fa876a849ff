const blocks = '▁▂▃▄▅▆▇█';

/** The last `width` values as blocks between their smallest and largest; equal values stand in the middle, gaps are blank. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const finite = shown.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  return shown.map((value) => (Number.isFinite(value) ? blockOf(value, low, high) : ' ')).join('');
}

/** `9.5s`, `2m 05s`, `3h 07m`, `2d 04h`; `?` for what is no duration. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '?';
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${twoDigits(whole % 60)}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h ${twoDigits(minutes % 60)}m`;
  return `${Math.floor(minutes / 1440)}d ${twoDigits(Math.floor(minutes / 60) % 24)}h`;
}

/** Four significant digits at most, large numbers with thousands separators. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 10_000) return Math.round(value).toLocaleString('en-US');
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}

/** `512 B`, `1.2 kB`, `270 MB`, `3.1 GB`: thousands, as files are sold. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.max(0, Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3)));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** A bar of `width` cells, filled in eighths. */
export function bar(done: number, total: number, width: number): string {
  const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
  const eighths = Math.round(share * width * 8);
  const part = ' ▏▎▍▌▋▊▉'.charAt(eighths % 8);
  const filled = '█'.repeat(Math.floor(eighths / 8)) + (eighths % 8 === 0 ? '' : part);
  return filled + '░'.repeat(width - filled.length);
}

/** What a program or a model wrote, safe for a terminal: control characters other than line breaks become visible. */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll('\t', '  ')
    .replaceAll(/[^\P{C}\n]/gu, '\u{fffd}');
}

function blockOf(value: number, low: number, high: number): string {
  const share = high > low ? (value - low) / (high - low) : 0.5;
  return blocks.charAt(Math.min(blocks.length - 1, Math.floor(share * blocks.length)));
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
