import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** Folders that hold our own code; everything else in the repository is data, documents or generated. */
const FOLDERS = [
  'core',
  'sandbox',
  'tools',
  'envs',
  'rollout',
  'cli',
  'examples',
  'tests',
  'bench',
  'verify',
  'scripts',
];

/** One file of the repository, read and parsed once. */
export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly lineCount: number;
  readonly tree: ts.SourceFile;
}

/** Every TypeScript and JavaScript file of ours below a root, sorted; fixtures are data. */
export function readSourceFiles(root: string): readonly SourceFile[] {
  const inFolders = FOLDERS.flatMap((folder) => listScripts(root, folder));
  const atTop = readdirSync(root).filter((name) => isScript(name) && statSync(join(root, name)).isFile());
  return [...inFolders, ...atTop].sort().map((path) => readSourceFile(root, path));
}

function listScripts(root: string, folder: string): string[] {
  const path = join(root, folder);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .filter((name) => isScript(name) && !/(^|\/)(node_modules|fixtures)\//.test(name));
}

function isScript(name: string): boolean {
  return /\.(ts|mts|mjs|js)$/.test(name) && !name.endsWith('.d.ts');
}

function readSourceFile(root: string, path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  return { path, lineCount: text.trimEnd().split('\n').length, tree };
}
