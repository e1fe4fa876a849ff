import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { ConfigError } from '../errors.js';
import { filters, joined, printed, stringMethods } from './jinja-functions.js';
import { lowerLoops } from './jinja-loops.js';
import { call, isNode, type JinjaNode, list, mapBlocks } from './jinja-nodes.js';

/** Names no template can write, for what its operators, filters and methods become. */
const PRINTED = 'operator {{ }}';
const JOINED = 'operator ~';

/** A parsed template. */
export interface JinjaProgram {
  /** The text with these variables beside the functions of Python; throws what a function or the template throws. */
  run(variables: { readonly [name: string]: unknown }): string;
}

/** Reads a Jinja template with blocks trimmed as transformers does; throws ConfigError where it is none. */
export function jinjaProgram(source: string): JinjaProgram {
  const { parsed } = parse(source);
  rewrite(parsed);
  return {
    run(variables) {
      const environment = new Environment();
      for (const [name, value] of Object.entries({ ...functions(), ...variables })) environment.set(name, value);
      return String(new Interpreter(environment).run(parsed).value);
    },
  };
}

function parse(source: string): Template {
  try {
    return new Template(source);
  } catch (error) {
    throw new ConfigError(
      `the chat template cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function functions(): { readonly [name: string]: unknown } {
  return Object.fromEntries([
    [PRINTED, printed],
    [JOINED, joined],
    ...Object.entries(filters).map(([name, filter]) => [`filter ${name}`, filter]),
    ...Object.entries(stringMethods).map(([name, method]) => [`method ${name}`, method]),
  ]);
}

/** Where the library's operators, methods and filters differ from Python's, calls of ours take their place; changes the tree. */
function rewrite(value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) rewrite(item);
  } else if (value instanceof Map) {
    for (const [key, item] of value) rewrite([key, item]);
  } else if (isNode(value)) {
    for (const child of Object.values(value)) rewrite(child);
    rewriteNode(value);
    mapBlocks(value, (block) => lowerLoops(block.map(print)));
  }
}

function rewriteNode(node: JinjaNode): void {
  const { callee, filter } = node;
  if (
    node.type === 'CallExpression' &&
    isNode(callee) &&
    callee.type === 'MemberExpression' &&
    callee.computed !== true
  ) {
    const name = nameOf(callee.property);
    if (Object.hasOwn(stringMethods, name))
      become(node, `method ${name}`, [list([callee.object]), ...argumentsOf(node)]);
  } else if (node.type === 'FilterExpression' && isNode(filter)) {
    const name = nameOf(filter.type === 'CallExpression' ? filter.callee : filter);
    const args = filter.type === 'CallExpression' ? argumentsOf(filter) : [];
    if (Object.hasOwn(filters, name)) become(node, `filter ${name}`, [list([node.operand]), ...args]);
  } else if (node.type === 'BinaryExpression' && isTilde(node.operator)) {
    become(node, JOINED, [list([node.left, node.right])]);
  }
}

function isTilde(operator: unknown): boolean {
  return typeof operator === 'object' && operator !== null && 'value' in operator && operator.value === '~';
}

function nameOf(node: unknown): string {
  return isNode(node) && node.type === 'Identifier' ? String(node.value) : '';
}

function argumentsOf(node: JinjaNode): readonly unknown[] {
  return Array.isArray(node.args) ? node.args : [];
}

/** In place, as the library tells nodes by their class too. */
function become(node: JinjaNode, name: string, args: readonly unknown[]): void {
  Object.assign(node, call(name, args));
}

const STATEMENTS: ReadonlySet<string> = new Set([
  'Set',
  'If',
  'For',
  'Macro',
  'CallStatement',
  'FilterStatement',
  'Comment',
  'Break',
  'Continue',
  'StringLiteral',
]);

/** An expression that stands for itself in a block is printed. */
function print(node: JinjaNode): JinjaNode {
  return STATEMENTS.has(node.type) ? node : call(PRINTED, [list([node])]);
}
