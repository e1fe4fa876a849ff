import type { z } from 'zod';
import { discriminatorAt, dottedKeys, keysAt, valueAt } from './config-schema.js';
import { isSameName, nearest, unknownName } from './spelling.js';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** Whom a problem is told to, and the words it may use. */
export interface ParseOptions {
  /** Where the input comes from, as the user would name it: a file, `command line`. */
  readonly source: string;
  /** Keys of other projects, in snake_case or dotted, and the dotted keys that mean the same here. */
  readonly aliases?: { readonly [key: string]: string };
  /** What a choice is called, by its dotted key: `{ 'env.name': 'environment' }`. */
  readonly kinds?: { readonly [path: string]: string };
}

interface Scope extends ParseOptions {
  readonly schema: unknown;
  readonly input: unknown;
}

/** One sentence for each problem zod found: the dotted key, what was given, what to write instead. */
export function describeProblems(
  schema: unknown,
  input: unknown,
  issues: readonly Issue[],
  options: ParseOptions,
): string[] {
  const scope = { ...options, schema, input };
  return [...new Set(issues.flatMap((issue) => describe(scope, issue, [])))];
}

function describe(scope: Scope, issue: Issue, parent: Path): string[] {
  const path = [...parent, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.flatMap((key) => unknownKey(scope, path, key));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return bestBranch(issue.errors).flatMap((inner) => describe(scope, inner, path));
  }
  const given = valueAt(scope.input, path);
  const key = path.length === 0 ? 'the config' : dotted(path);
  if (issue.code === 'custom') return [path.length === 0 ? issue.message : `${key}: ${issue.message}`];
  if (given === undefined) return [missing(scope, path, issue)];
  const choices = namesOf(issue);
  const kind = scope.kinds?.[dotted(path.map((part) => (typeof part === 'number' ? '*' : part)))];
  if (kind !== undefined && choices !== undefined && typeof given === 'string') {
    return [`${key}: ${unknownName(kind, given, choices)}`];
  }
  const guess = choices !== undefined && typeof given === 'string' ? nearest(given, choices) : undefined;
  return [
    `${key} is ${show(given)}, must be ${requirement(issue)}${guess === undefined ? '' : `; did you mean ${guess}?`}`,
  ];
}

function missing(scope: Scope, path: Path, issue: Issue): string {
  const union = discriminatorAt(scope.schema, path, scope.input);
  if (union !== undefined) {
    const names = union.names.length === 0 ? 'none is known' : `one of ${union.names.join(', ')}`;
    return `${dotted(path)} is missing; write ${dotted(path)}.${union.key}: ${names}`;
  }
  return `${dotted(path)} is missing, must be ${requirement(issue)}`;
}

/** A key nobody reads. A mapping is answered leaf by leaf, so that a pasted section of another project is translated. */
function unknownKey(scope: Scope, path: Path, key: string): string[] {
  const name = dotted([...path, key]);
  const value = valueAt(scope.input, [...path, key]);
  const hint = suggestion(scope, path, key);
  if (hint !== undefined) return [`unknown key ${name}; ${hint}`];
  if (isMapping(value) && Object.keys(value).length > 0) {
    return Object.keys(value).flatMap((below) => unknownKey(scope, [...path, key], below));
  }
  const known = keysAt(scope.schema, path, scope.input);
  return [`unknown key ${name}${known.length === 0 ? '' : `; known here: ${known.join(', ')}`}`];
}

function suggestion(scope: Scope, path: Path, key: string): string | undefined {
  const all = dottedKeys(scope.schema);
  if (all.includes(key) && key.includes('.')) return `write it nested: ${nested(key)}`;
  const siblings = keysAt(scope.schema, path, scope.input);
  const sibling = siblings.find((known) => isSameName(known, key));
  if (sibling !== undefined) return `write ${dotted([...path, sibling])}`;
  const alias = aliasOf(scope, dotted([...path, key])) ?? aliasOf(scope, key);
  if (alias !== undefined) return `write ${alias}`;
  const others = all.filter((known) => known !== dotted([...path, key])); // it may be a key of another alternative of a union
  const elsewhere = others.filter((known) => isSameName(lastPart(known), lastPart(key)));
  if (elsewhere.length > 0) return `write ${elsewhere.join(' or ')}`;
  const near = nearest(key, siblings);
  if (near !== undefined) return `did you mean ${dotted([...path, near])}?`;
  const far = nearest(lastPart(key), others.map(lastPart));
  const place = others.find((known) => lastPart(known) === far);
  return place === undefined ? undefined : `did you mean ${place}?`;
}

/** What a name of another project is here, in its own spelling or in ours. */
function aliasOf({ aliases = {} }: Scope, name: string): string | undefined {
  return aliases[name] ?? Object.entries(aliases).find(([alias]) => isSameName(alias, name))?.[1];
}

/** Of a union's alternatives the one the user most likely meant: fails deepest, then with the fewest issues. */
function bestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const cost = (issues: readonly Issue[]): number =>
    issues.length + (issues.some((issue) => issue.path.length === 0 && issue.code === 'invalid_type') ? 1000 : 0);
  return branches.reduce((best, issues) => (cost(issues) < cost(best) ? issues : best));
}

function namesOf(issue: Issue): string[] | undefined {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  if (issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options)) {
    return issue.options.map(String);
  }
  return undefined;
}

function requirement(issue: Issue): string {
  const names = namesOf(issue);
  if (names !== undefined) return names.length === 1 ? `${names[0]}` : `one of ${names.join(', ')}`;
  switch (issue.code) {
    case 'invalid_type':
      return TYPE_NAMES[issue.expected] ?? `of type ${issue.expected}`;
    case 'too_small':
      return bound(issue.origin, issue.inclusive === false ? 'above' : 'at least', issue.minimum);
    case 'too_big':
      return bound(issue.origin, issue.inclusive === false ? 'below' : 'at most', issue.maximum);
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return `a valid ${issue.format}${issue.pattern === undefined ? '' : ` (${issue.pattern})`}`;
    default:
      return `valid (${issue.message})`;
  }
}

const TYPE_NAMES: { readonly [expected: string]: string } = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  null: 'null',
};

function bound(origin: string, relation: string, limit: number | bigint): string {
  if (origin === 'string') return `${relation} ${limit} characters long`;
  if (origin === 'array' || origin === 'set') return `a list of ${relation} ${limit}`;
  return `${relation} ${limit}`;
}

function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function dotted(path: Path): string {
  return path.map(String).join('.');
}

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

function nested(key: string): string {
  return key.split('.').reduceRight((below, part) => (below === '' ? `${part}: …` : `${part}: { ${below} }`), '');
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
