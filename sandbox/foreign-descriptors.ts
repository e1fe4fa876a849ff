import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';

/** An open descriptor that is closed on dispose. */
export interface OpenDescriptor extends Disposable {
  readonly descriptor: number;
}

export function openDescriptor(path: string): OpenDescriptor {
  const descriptor = openSync(path, 'r');
  return { descriptor, [Symbol.dispose]: () => closeSync(descriptor) };
}

const CLOSE_ON_EXEC = 0o2000000;
let found: readonly number[] | undefined;

/**
 * Descriptors this process was started with that a child would inherit (Node marks only the lowest as close-on-exec).
 * Linux only, elsewhere none are known. Looked up once: whatever Node opens itself is not inherited.
 */
export function foreignDescriptors(): readonly number[] {
  found ??= process.platform === 'linux' ? readdirSync('/proc/self/fdinfo').map(Number).filter(isInherited) : [];
  return found;
}

function isInherited(descriptor: number): boolean {
  if (descriptor <= 2) return false;
  try {
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
    const flags = /^flags:\s*([0-7]+)$/m.exec(info)?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false; // the listing's own descriptor
    throw error;
  }
}
