import ts from 'typescript';
import { findCycles, type Import, readImports } from './import-graph.js';
import type { SourceFile } from './source-files.js';

const MAX_LINES = 400;
const ROOMS: readonly string[] = ['core', 'sandbox', 'tools', 'envs', 'rollout', 'cli'];

/** What a room may import besides itself. */
const LEFT_OF: { readonly [room: string]: readonly string[] } = {
  core: [],
  sandbox: ['core'],
  tools: ['core', 'sandbox'],
  envs: ['core', 'sandbox', 'tools'],
  rollout: ['core', 'sandbox', 'tools', 'envs'],
  cli: ['core', 'sandbox', 'tools', 'envs', 'rollout'],
  examples: ['core', 'sandbox', 'tools', 'envs', 'rollout'],
};

/** One sentence for each way in which the files break the house rules about files and imports. */
export function findViolations(files: readonly SourceFile[]): readonly string[] {
  const imports = readImports(files);
  return [
    ...imports.flatMap(checkDirection),
    ...imports.flatMap(checkTensorLibrary),
    ...imports.flatMap(checkPublic),
    ...findCycles(imports).map((cycle) => `import cycle: ${cycle.join(' -> ')}`),
    ...files.flatMap(checkFile),
  ];
}

function checkDirection({ from, specifier, target }: Import): string[] {
  const room = roomOf(from);
  const allowed = LEFT_OF[room];
  const other = specifier.startsWith('verlet/') ? roomOf(specifier.slice('verlet/'.length)) : roomOf(target ?? '');
  if (allowed === undefined || other === '' || other === room || allowed.includes(other)) return [];
  return [`${from} imports ${specifier}: ${room} may import ${[...allowed, 'itself'].join(', ')}`];
}

function checkTensorLibrary({ from, specifier }: Import): string[] {
  const room = roomOf(from);
  if (room === 'core' || LEFT_OF[room] === undefined || !specifier.startsWith('@tensorflow/')) return [];
  return [`${from} imports ${specifier}: only core knows the tensor library`];
}

/**
 * The public files are what users of the package see; inside, everybody imports what they mean. Only the place that hands
 * them to users' modules names them.
 */
function checkPublic({ from, specifier }: Import): string[] {
  const isPublic = specifier.endsWith('/public.js') || specifier.startsWith('verlet/');
  return ROOMS.includes(roomOf(from)) && isPublic && from !== 'cli/builtins.ts'
    ? [`${from} imports ${specifier}: import the file that is meant`]
    : [];
}

function checkFile({ path, lineCount, tree }: SourceFile): string[] {
  const isConfig = /(^|\/)[\w-]+\.config\.m?[jt]s$/.test(path);
  return [
    ...(/(^|\/)index\.m?[jt]s$/.test(path) ? [`${path}: no index files`] : []),
    ...(lineCount > MAX_LINES ? [`${path} has ${lineCount} lines, more than ${MAX_LINES}`] : []),
    ...(!isConfig && contains(tree, isDefaultExport) ? [`${path} has a default export`] : []),
    ...(path.startsWith('tests/') && contains(tree, isMocking) ? [`${path} mocks: use a fake`] : []),
  ];
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent);
}

function isMocking(node: ts.Node): boolean {
  const names = ['mock', 'doMock', 'spyOn'];
  if (!ts.isPropertyAccessExpression(node)) return false;
  return ts.isIdentifier(node.expression) && node.expression.text === 'vi' && names.includes(node.name.text);
}

function contains(tree: ts.Node, matches: (node: ts.Node) => boolean): boolean {
  return matches(tree) || ts.forEachChild(tree, (child) => contains(child, matches) || undefined) === true;
}

function roomOf(path: string): string {
  const [first = ''] = path.split('/');
  return LEFT_OF[first] === undefined ? '' : first;
}
