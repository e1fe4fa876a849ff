import { constants } from 'node:fs';
import { chmod, chown, type FileHandle, mkdir, mkdtemp, open, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { InfrastructureError } from '../core/errors.js';
import type { Owner } from './owner.js';
import { runProgram } from './run-program.js';
import { SandboxFileError } from './sandbox-file-error.js';

const { O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/**
 * A sandbox's directory on the host. What lies in it is a program's work and not trusted: every component of a path is opened
 * without following links, so that nothing planted inside leads out or blocks.
 */
export class WorkingDirectory implements AsyncDisposable {
  readonly path: string;
  readonly owner: Owner | undefined;
  readonly #maxFileBytes: number;

  private constructor(path: string, owner: Owner | undefined, maxFileBytes: number) {
    this.path = path;
    this.owner = owner;
    this.#maxFileBytes = maxFileBytes;
  }

  /**
   * Makes an empty directory in the system's temporary directory that only `owner` (or else this user) and root may enter.
   * It lies in another one that its owner cannot write, so that it can be neither removed nor swapped for a link.
   */
  static async create(owner: Owner | undefined, maxFileBytes: number): Promise<WorkingDirectory> {
    const parent = await mkdtemp(join(await realpath(tmpdir()), 'verlet-sandbox-'));
    const directory = new WorkingDirectory(join(parent, 'work'), owner, maxFileBytes);
    await mkdir(directory.path, { mode: 0o700 });
    if (owner === undefined) return directory;
    await chmod(parent, 0o711);
    await chown(directory.path, owner.uid, owner.gid);
    return directory;
  }

  /** Undoes what a program did to the permissions of the directory itself. */
  async unlock(): Promise<void> {
    await chmod(this.path, 0o700);
  }

  /** The file's text. Throws SandboxFileError. */
  async read(path: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    await using file = await this.#open(path, O_RDONLY);
    const { size } = await this.#checkFile(file, path);
    if (size > this.#maxFileBytes) {
      throw new SandboxFileError('too_large', `${path} has ${size} bytes, the limit is ${this.#maxFileBytes}`);
    }
    return await file.readFile({ encoding: 'utf8', signal });
  }

  /** Makes or replaces the file, and the directories it lies in. Throws SandboxFileError. */
  async write(path: string, contents: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await using file = await this.#open(path, O_WRONLY | O_CREAT);
    await this.#checkFile(file, path);
    await file.truncate();
    await file.writeFile(contents, { signal });
    await this.#own(file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const parent = dirname(this.path);
    try {
      await rm(parent, { recursive: true, force: true }).catch(() => removeTree(parent));
    } catch (error) {
      process.emitWarning(`cannot remove the sandbox directory ${parent}: ${error}`);
    }
  }

  async #open(path: string, flags: number): Promise<FileHandle> {
    const names = namesIn(path);
    try {
      await using root = await open(this.path, FOLDER);
      return await this.#openBelow({ handle: root, path: this.path }, names, flags);
    } catch (error) {
      throw fileError(path, error);
    }
  }

  async #openBelow(folder: Folder, names: readonly [string, ...string[]], flags: number): Promise<FileHandle> {
    const [name, second, ...others] = names;
    const path = childPath(folder, name);
    if (second === undefined) return await open(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o644);
    const isNew = (flags & O_CREAT) !== 0 && (await makeFolder(path));
    await using child = await open(path, FOLDER);
    if (isNew) await this.#own(child);
    return await this.#openBelow({ handle: child, path }, [second, ...others], flags);
  }

  /** Refuses hard links too: they may be names of a file outside. */
  async #checkFile(file: FileHandle, path: string): Promise<{ size: number }> {
    const status = await file.stat();
    if (!status.isFile() || status.nlink !== 1) throw new SandboxFileError('not_a_file', `${path} is not a plain file`);
    return status;
  }

  async #own(handle: FileHandle): Promise<void> {
    if (this.owner !== undefined) await handle.chown(this.owner.uid, this.owner.gid);
  }
}

/** For trees deeper than a path may be long, and directories that forbid their owner to look inside. */
async function removeTree(path: string): Promise<void> {
  const options = { timeoutMs: 60_000, maxOutputBytes: 1_000 };
  const { signal } = new AbortController();
  const command = { env: {}, cwd: '/', owner: undefined, hasReport: false };
  await runProgram({ ...command, file: 'chmod', args: ['-R', 'u+rwX', '--', path] }, options, signal);
  const end = await runProgram({ ...command, file: 'rm', args: ['-rf', '--', path] }, options, signal);
  if (end.code !== 0) throw new Error(end.stderr);
}

interface Folder {
  readonly handle: FileHandle;
  readonly path: string;
}

/** Linux names a child by its parent's descriptor, so that the parent cannot be swapped for a link meanwhile. */
function childPath(folder: Folder, name: string): string {
  return join(process.platform === 'linux' ? `/proc/self/fd/${folder.handle.fd}` : folder.path, name);
}

function namesIn(path: string): readonly [string, ...string[]] {
  const [first, ...others] = path.split('/').filter((name) => name !== '' && name !== '.');
  if (path.startsWith('/') || path.includes('\0') || first === undefined || [first, ...others].includes('..')) {
    throw new SandboxFileError('outside', `${path} is not a path inside the working directory`);
  }
  return [first, ...others];
}

async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function fileError(path: string, cause: unknown): Error {
  switch (codeOf(cause)) {
    case 'ENOENT':
    case 'ENAMETOOLONG':
      return new SandboxFileError('missing', `${path} does not exist`, { cause });
    case 'ELOOP':
      return new SandboxFileError('outside', `${path} is a link`, { cause });
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ENXIO':
      return new SandboxFileError(
        'not_a_file',
        `${path} is not a plain file, or below something else than a directory`,
        {
          cause,
        },
      );
    case 'EACCES':
    case 'EPERM':
      return new SandboxFileError('denied', `${path} may not be opened`, { cause });
    default:
      return new InfrastructureError('sandbox_files', `cannot open ${path} in a sandbox: ${cause}`, {
        retryable: true,
        cause,
      });
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
