import { posix } from 'node:path';
import ts from 'typescript';
import type { SourceFile } from './source-files.js';

/** One import as written: static, type-only, re-export, `import()` or `import('…').Type`. */
export interface Import {
  readonly from: string;
  readonly specifier: string;
  /** The file it means, relative to the root; undefined for packages. */
  readonly target?: string;
}

/** All imports of the files whose specifier is a literal. */
export function readImports(files: readonly SourceFile[]): readonly Import[] {
  const known = new Set(files.map((file) => file.path));
  return files.flatMap((file) => specifiersOf(file.tree).map((specifier) => toImport(file.path, specifier, known)));
}

function specifiersOf(tree: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) found.push(specifier.text);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  if (!ts.isCallExpression(node)) return undefined;
  const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword || isRequire(node.expression);
  return isImport ? node.arguments[0] : undefined;
}

function isRequire(callee: ts.Expression): boolean {
  if (ts.isPropertyAccessExpression(callee)) return isRequire(callee.expression) && callee.name.text === 'resolve';
  return ts.isIdentifier(callee) && callee.text === 'require';
}

function toImport(from: string, specifier: string, known: ReadonlySet<string>): Import {
  if (!specifier.startsWith('.')) return { from, specifier };
  const path = posix.normalize(posix.join(posix.dirname(from), specifier));
  const asTypeScript = path.replace(/\.(m?)js$/, '.$1ts');
  return { from, specifier, target: known.has(asTypeScript) ? asTypeScript : path };
}

/** Rings of files that import each other, each once, from its first file in reading order back to that file. */
export function findCycles(imports: readonly Import[]): readonly (readonly string[])[] {
  const edges = new Map<string, string[]>();
  for (const { from, target } of imports)
    if (target !== undefined) edges.set(from, [...(edges.get(from) ?? []), target]);
  const done = new Set<string>();
  const cycles: string[][] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path]);
    if (done.has(path) || trail.includes(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return cycles;
}
