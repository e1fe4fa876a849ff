/** Prose for people, one line an event on stderr; numbers go to the Tracker instead. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = { readonly [name: string]: string | number | boolean };
export type LogSink = (line: string) => void;

const levels: readonly string[] = ['debug', 'info', 'warn', 'error'] satisfies readonly LogLevel[];
const toStderr: LogSink = (line) => void process.stderr.write(`${line}\n`);
let sink = toStderr;

/** Writes `time level event key=value …` if the level reaches VERLET_LOG (debug, info, warn or error; warn when unset). */
export function log(level: LogLevel, event: string, fields: LogFields = {}): void {
  if (levels.indexOf(level) < threshold()) return;
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${format(value)}`);
  sink(`${new Date().toISOString()} ${level} ${event}${pairs.join('')}`);
}

/** Sends the lines elsewhere until called again; without an argument back to stderr. */
export function setLogSink(next: LogSink = toStderr): void {
  sink = next;
}

function threshold(): number {
  const index = levels.indexOf(process.env.VERLET_LOG ?? 'warn');
  return index < 0 ? levels.indexOf('warn') : index;
}

function format(value: string | number | boolean): string {
  return typeof value === 'string' && !/^[\w./:@+-]+$/.test(value) ? JSON.stringify(value) : String(value);
}
