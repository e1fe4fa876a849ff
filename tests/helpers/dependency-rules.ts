import { isBuiltin } from 'node:module';
import { z } from 'zod';
import { type Import, readImports } from './import-graph.js';
import type { SourceFile } from './source-files.js';

const SHIPPED = /^(core|sandbox|tools|envs|rollout|cli|examples)\//;

const names = z.record(z.string(), z.string()).default({});

/** The parts of package.json that say which packages are ours to import. */
export const packageManifest = z.object({
  name: z.string(),
  scripts: names,
  dependencies: names,
  devDependencies: names,
  peerDependencies: names,
});

/** One sentence for each import that is not listed and each listed package that nothing uses. */
export function findDependencyViolations(
  files: readonly SourceFile[],
  manifest: z.infer<typeof packageManifest>,
): readonly string[] {
  const bare = readImports(files).filter(isBare);
  const product = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const shipped = [...product, manifest.name];
  const everywhere = [...shipped, ...Object.keys(manifest.devDependencies)];
  const unlisted = bare.filter((one) => !(SHIPPED.test(one.from) ? shipped : everywhere).includes(packageOf(one)));
  return [
    ...unlisted.map(({ from, specifier }) => `${from} imports ${specifier}, which package.json does not list for it`),
    ...findUnused(bare, manifest),
  ];
}

function findUnused(bare: readonly Import[], manifest: z.infer<typeof packageManifest>): string[] {
  const shipped = new Set(bare.filter((one) => SHIPPED.test(one.from)).map(packageOf));
  const all = new Set(bare.map(packageOf));
  const commands = Object.values(manifest.scripts).join(' ');
  const isTool = (name: string): boolean => name.startsWith('@types/') || commands.includes(commandOf(name));
  const idle = Object.keys(manifest.dependencies).filter((name) => !shipped.has(name));
  const idleInDevelopment = Object.keys(manifest.devDependencies).filter((name) => !all.has(name) && !isTool(name));
  return [...idle, ...idleInDevelopment].map((name) => `package.json lists ${name}, which nothing imports`);
}

/** `@biomejs/biome` is run as `biome`. */
function commandOf(name: string): string {
  return name.split('/').at(-1) ?? name;
}

function isBare({ specifier, target }: Import): boolean {
  return target === undefined && !isBuiltin(specifier) && !specifier.startsWith('/');
}

function packageOf({ specifier }: Import): string {
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}
