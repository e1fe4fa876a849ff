/** A node of the template library's tree. */
export interface JinjaNode {
  type: string;
  [field: string]: unknown;
}

export function isNode(value: unknown): value is JinjaNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

export function identifier(name: string): JinjaNode {
  return { type: 'Identifier', value: name };
}

export function call(name: string, args: readonly unknown[]): JinjaNode {
  return { type: 'CallExpression', callee: identifier(name), args };
}

export function list(items: readonly unknown[]): JinjaNode {
  return { type: 'ArrayLiteral', value: items };
}

export function member(name: string, property: string): JinjaNode {
  return { type: 'MemberExpression', object: identifier(name), property: identifier(property), computed: false };
}

/** `{% set assignee = value %}` */
export function assign(assignee: JinjaNode, value: JinjaNode): JinjaNode {
  return { type: 'Set', assignee, value, body: [] };
}

/** `{% if test %}body{% else %}alternate{% endif %}` */
export function branch(test: unknown, body: readonly JinjaNode[], alternate: readonly JinjaNode[]): JinjaNode {
  return { type: 'If', test, body, alternate };
}

export function not(argument: JinjaNode): JinjaNode {
  return { type: 'UnaryExpression', operator: { type: 'UnaryOperator', value: 'not' }, argument };
}

const BLOCKS: readonly string[] = ['body', 'alternate', 'defaultBlock'];

/** The statements in a block of the node. */
export function block(node: JinjaNode, field: string): JinjaNode[] {
  const statements: unknown = node[field];
  return Array.isArray(statements) ? statements.filter(isNode) : [];
}

/** Replaces every block of the node. */
export function mapBlocks(node: JinjaNode, change: (statements: JinjaNode[]) => readonly JinjaNode[]): void {
  for (const field of BLOCKS) if (Array.isArray(node[field])) node[field] = change(block(node, field));
}
