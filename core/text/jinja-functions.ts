import { isJinjaValue, type JinjaValue, type JsonStyle, pythonJson, pythonText } from './jinja-values.js';
import { strftime } from './strftime.js';

/** What Python's str.strip() takes away without an argument. */
const WHITE_SPACE =
  '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';

/** Receives the operand boxed in a list, so that its type is known, then the arguments. */
type JinjaFunction = (operand: unknown, ...args: readonly unknown[]) => unknown;

/** Methods of strings that the library lacks or knows without their arguments, by Python's names. */
export const stringMethods: { readonly [name: string]: JinjaFunction } = {
  strip: (operand, characters) => stripLeft(stripRight(text(operand), characters), characters),
  lstrip: (operand, characters) => stripLeft(text(operand), characters),
  rstrip: (operand, characters) => stripRight(text(operand), characters),
  removeprefix: (operand, prefix) => withoutPrefix(text(operand), String(prefix)),
  removesuffix: (operand, suffix) => withoutSuffix(text(operand), String(suffix)),
  splitlines: (operand) => splitLines(text(operand)),
};

/** Filters whose output must be Python's to the letter. */
export const filters: { readonly [name: string]: JinjaFunction } = {
  trim: (operand, characters) => stripLeft(stripRight(asText(operand), characters), characters),
  string: asText,
  tojson: (operand, ...args) => pythonJson(only(operand), jsonStyle(args)),
};

/** What an expression prints. */
export const printed: JinjaFunction = asText;

/** The operator `~`. */
export const joined: JinjaFunction = (operands) =>
  Array.isArray(operands) ? operands.filter(isJinjaValue).map(pythonText).join('') : '';

/** What every template may call, as transformers provides it; `fail` receives the sentence of raise_exception. */
export function globals(now: () => Date, fail: (sentence: string) => never): { readonly [name: string]: unknown } {
  return {
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    range,
    raise_exception: (sentence: unknown) => fail(String(sentence)),
    strftime_now: (format: unknown) => strftime(now(), String(format)),
  };
}

function range(first: number, last?: number, step = 1): number[] {
  const [start, stop] = last === undefined ? [0, first] : [first, last];
  if (step === 0) throw new Error('range() arg 3 must not be zero');
  return Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (_, i) => start + i * step);
}

function only(operand: unknown): JinjaValue {
  const value: unknown = Array.isArray(operand) ? operand[0] : undefined;
  return isJinjaValue(value) ? value : { type: 'UndefinedValue', value: undefined };
}

function asText(operand: unknown): string {
  return pythonText(only(operand));
}

function text(operand: unknown): string {
  const { value, type } = only(operand);
  if (typeof value !== 'string') throw new Error(`a method of strings is called on ${type}`);
  return value;
}

function stripLeft(whole: string, characters: unknown): string {
  const set = typeof characters === 'string' ? characters : WHITE_SPACE;
  let start = 0;
  while (start < whole.length && set.includes(whole.charAt(start))) start++;
  return whole.slice(start);
}

function stripRight(whole: string, characters: unknown): string {
  const set = typeof characters === 'string' ? characters : WHITE_SPACE;
  let end = whole.length;
  while (end > 0 && set.includes(whole.charAt(end - 1))) end--;
  return whole.slice(0, end);
}

function withoutPrefix(whole: string, prefix: string): string {
  return whole.startsWith(prefix) ? whole.slice(prefix.length) : whole;
}

function withoutSuffix(whole: string, suffix: string): string {
  return suffix !== '' && whole.endsWith(suffix) ? whole.slice(0, -suffix.length) : whole;
}

/** Without the separators of the ASCII control block, which Python takes for line ends too. */
function splitLines(whole: string): string[] {
  const lines = whole.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** Arguments of transformers' tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False). */
function jsonStyle(args: readonly unknown[]): JsonStyle {
  const named = args.find((arg) => arg instanceof Map) ?? new Map();
  const [ensureAscii, indentAt, separatorsAt, sortKeys] = args.filter((arg) => !(arg instanceof Map));
  const pick = (name: string, positional: unknown): unknown => {
    const value: unknown = named.get(name);
    return isJinjaValue(value) ? value.value : positional;
  };
  const indent = pick('indent', indentAt);
  const separators = pick('separators', separatorsAt);
  const isIndented = typeof indent === 'number' || typeof indent === 'string';
  const [item, key] = Array.isArray(separators) ? separators.map((s) => (isJinjaValue(s) ? String(s.value) : '')) : [];
  return {
    ensureAscii: pick('ensure_ascii', ensureAscii) === true,
    indent: isIndented ? indent : null,
    separators: [item ?? (isIndented ? ',' : ', '), key ?? ': '],
    sortKeys: pick('sort_keys', sortKeys) === true,
  };
}
