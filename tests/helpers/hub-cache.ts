import { readdirSync } from 'node:fs';
import { type ResolveOptions, resolveModel } from '../../core/model/hub/resolve-model.js';
import { type HubRepository, HubServer } from './hub-server.js';
import { TemporaryFolder } from './temporary-folder.js';

/** A repository with weights in two shards, one text file in a folder, and what nobody needs. */
export const shardedModel: HubRepository = {
  name: 'owner/tiny-1.5',
  commit: '0123456789abcdef0123456789abcdef01234567',
  files: {
    'README.md': '# tiny',
    'config.json': '{"model_type":"llama"}',
    'tokenizer.json': '{"version":"1.0"}',
    'tokenizer_config.json': '{}',
    'model.safetensors.index.json': JSON.stringify({
      weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
    }),
    'model-00001-of-00002.safetensors': Buffer.alloc(3_000_000, 'first'),
    'model-00002-of-00002.safetensors': Buffer.alloc(2_000_000, 'second'),
    'consolidated.safetensors': Buffer.alloc(1000, 'the same again'),
    'onnx/model.onnx': 'another form',
  },
  lfs: ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'consolidated.safetensors'],
  revisions: ['v1', 'refs/pr/3'],
};

/** A repository with the same name and other files. */
export function repository(files: HubRepository['files'], more: Partial<HubRepository> = {}): HubRepository {
  return { ...shardedModel, files, lfs: [], ...more };
}

/** A hub on loopback and a home without caches. */
export class HubHome implements AsyncDisposable {
  readonly folder = new TemporaryFolder();
  readonly server: HubServer;
  readonly env: NodeJS.ProcessEnv;

  private constructor(server: HubServer) {
    this.server = server;
    this.env = { HOME: this.folder.path, HF_ENDPOINT: server.url, MODELSCOPE_ENDPOINT: server.url };
  }

  static async open(served: HubRepository = shardedModel): Promise<HubHome> {
    return new HubHome(await HubServer.start(served));
  }

  /** Resolves with this home's variables, and others before them. */
  resolve(
    name: string,
    env: NodeJS.ProcessEnv = {},
    more: Partial<ResolveOptions> & { signal?: AbortSignal } = {},
  ): Promise<string> {
    const { signal = new AbortController().signal, ...options } = more;
    return resolveModel(name, { env: { ...this.env, ...env }, backoffMs: 1, ...options }, signal);
  }

  /** Paths of all files and links in the home, sorted. */
  files(): string[] {
    return readdirSync(this.folder.path, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => `${entry.parentPath}/${entry.name}`.slice(this.folder.path.length + 1))
      .sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}
