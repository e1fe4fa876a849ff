/** A value while a template runs, as the template library holds it. */
export interface JinjaValue {
  readonly type: string;
  readonly value: unknown;
}

export function isJinjaValue(value: unknown): value is JinjaValue {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** The value as Python's str() has it; nothing where it is undefined. */
export function pythonText(value: JinjaValue): string {
  return typeof value.value === 'string' ? value.value : value.type === 'UndefinedValue' ? '' : pythonRepr(value);
}

function pythonRepr({ type, value }: JinjaValue): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return numberText(value, type);
  if (Array.isArray(value)) {
    const items = value.filter(isJinjaValue).map(pythonRepr);
    if (type !== 'TupleValue') return `[${items.join(', ')}]`;
    return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`;
  }
  if (value instanceof Map)
    return `{${entries(value)
      .map(([key, item]) => `${quoted(key)}: ${pythonRepr(item)}`)
      .join(', ')}}`;
  return type === 'NullValue' ? 'None' : '';
}

export interface JsonStyle {
  readonly ensureAscii: boolean;
  /** Null for one line. */
  readonly indent: number | string | null;
  readonly separators: readonly [item: string, key: string];
  readonly sortKeys: boolean;
}

/** The value as Python's json.dumps has it. */
export function pythonJson(value: JinjaValue, style: JsonStyle, depth = 0): string {
  const { value: raw } = value;
  if (typeof raw === 'string') return jsonString(raw, style);
  if (typeof raw === 'boolean') return String(raw);
  if (typeof raw === 'number') return numberText(raw, value.type);
  if (Array.isArray(raw)) {
    const items = raw.filter(isJinjaValue).map((item) => pythonJson(item, style, depth + 1));
    return bracketed(['[', ']'], items, style, depth);
  }
  if (raw instanceof Map) {
    const pairs = entries(raw);
    if (style.sortKeys) pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    const items = pairs.map(
      ([key, item]) => `${jsonString(key, style)}${style.separators[1]}${pythonJson(item, style, depth + 1)}`,
    );
    return bracketed(['{', '}'], items, style, depth);
  }
  if (value.type === 'NullValue') return 'null';
  throw new Error(`${value.type} is not JSON`);
}

function entries(map: ReadonlyMap<unknown, unknown>): [string, JinjaValue][] {
  return [...map].flatMap(([key, item]) =>
    isJinjaValue(item) ? [[String(key), item] satisfies [string, JinjaValue]] : [],
  );
}

function bracketed(
  brackets: readonly [string, string],
  items: readonly string[],
  style: JsonStyle,
  depth: number,
): string {
  const [open, close] = brackets;
  if (style.indent === null || items.length === 0) return `${open}${items.join(style.separators[0])}${close}`;
  const step = typeof style.indent === 'number' ? ' '.repeat(Math.max(style.indent, 0)) : style.indent;
  const inner = `\n${step.repeat(depth + 1)}`;
  return `${open}${inner}${items.join(`${style.separators[0]}${inner}`)}\n${step.repeat(depth)}${close}`;
}

function jsonString(text: string, style: JsonStyle): string {
  const json = JSON.stringify(text);
  if (!style.ensureAscii) return json;
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Python's repr of a number: JSON's integers are integers, everything else has a point or an exponent. */
function numberText(value: number, type: string): string {
  if (type === 'IntegerValue' && Math.abs(value) < 1e21) return String(value);
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power < -4 || power >= 16) {
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  }
  if (Number.isInteger(value)) return `${Object.is(value, -0) ? '-' : ''}${BigInt(value)}.0`;
  return power < 0 ? value.toFixed(digits.replace(/[-.]/g, '').length - 1 - power) : String(value);
}

/** Python's repr of a string. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\'"]|(?! )[\p{C}\p{Z}]/gu, (character) => {
    if (character === '\\' || character === quote) return `\\${character}`;
    if (character === "'" || character === '"') return character;
    return NAMED_ESCAPES.get(character) ?? escaped(character.codePointAt(0) ?? 0);
  });
  return `${quote}${body}${quote}`;
}

const NAMED_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

function escaped(code: number): string {
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}
