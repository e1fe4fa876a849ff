import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import { loadYaml } from './config.js';
import { ConfigError } from './errors.js';
import { writeAtomically } from './write-atomically.js';

/** Where one run keeps everything it writes: config.yaml, metrics.jsonl, trajectories/, checkpoints/ and its report. */
export class RunDirectory {
  /** Absolute. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes `<root>/<name>-<timestamp>`; a second run of the same second gets a number behind it. */
  static async create(root: string, name: string, now: Date): Promise<RunDirectory> {
    const stamp = now.toISOString().slice(0, 19).replaceAll(':', '-').replace('T', '_');
    await mkdir(root, { recursive: true });
    for (let attempt = 1; ; attempt++) {
      const path = resolve(root, `${name}-${stamp}${attempt === 1 ? '' : `-${attempt}`}`);
      if (await makeNew(path)) return new RunDirectory(path);
    }
  }

  /** Makes exactly this directory; throws ConfigError when it is there and not empty. */
  static async createAt(path: string): Promise<RunDirectory> {
    const directory = new RunDirectory(resolve(path));
    const entries = await entriesOf(directory.path);
    if (entries === 'file') throw new ConfigError(`${path} is a file, not a directory for a run`);
    if (entries !== undefined && entries.length > 0) {
      throw new ConfigError(`${path} is not empty; name a new directory, or continue the run with --resume ${path}`);
    }
    await mkdir(directory.path, { recursive: true });
    return directory;
  }

  /** The directory of an earlier run; throws ConfigError when it is none. */
  static async open(path: string): Promise<RunDirectory> {
    const directory = new RunDirectory(resolve(path));
    const entries = await entriesOf(directory.path);
    if (entries === undefined) throw new ConfigError(`no run directory ${path}`);
    if (entries === 'file') throw new ConfigError(`${path} is a file; name the run's directory`);
    if (!entries.includes('config.yaml'))
      throw new ConfigError(`${path} is not a run directory: it has no config.yaml`);
    return directory;
  }

  get name(): string {
    return basename(this.path);
  }

  /** As a person standing in the working directory would write it. */
  get displayPath(): string {
    const below = relative('', this.path);
    return below.startsWith('..') ? this.path : below;
  }

  get configPath(): string {
    return join(this.path, 'config.yaml');
  }

  get metricsPath(): string {
    return join(this.path, 'metrics.jsonl');
  }

  get trajectoriesPath(): string {
    return join(this.path, 'trajectories');
  }

  get checkpointsPath(): string {
    return join(this.path, 'checkpoints');
  }

  /** Keeps the resolved config, from which the run can be started again. */
  async writeConfig(config: unknown): Promise<void> {
    await writeAtomically(this.configPath, stringify(config, { lineWidth: 120 }));
  }

  async readConfig(): Promise<unknown> {
    return loadYaml(this.configPath);
  }

  /** Deletes the directory if the run never got to keep anything: a refused start leaves nothing behind. */
  async removeIfUnused(): Promise<void> {
    const entries = await entriesOf(this.path);
    const kept = [this.metricsPath, this.trajectoriesPath, this.checkpointsPath].map((path) => basename(path));
    if (entries === undefined || entries === 'file' || entries.some((entry) => kept.includes(entry))) return;
    await rm(this.path, { recursive: true });
  }
}

async function makeNew(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function entriesOf(path: string): Promise<string[] | 'file' | undefined> {
  const stats = await stat(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return;
    throw error;
  });
  if (stats === undefined) return undefined;
  return stats.isDirectory() ? readdir(path) : 'file';
}
