import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'undici';
import { z } from 'zod';
import { ConfigError } from '../../errors.js';
import { askOrOpenCached, openCached } from './cached-model.js';
import { downloadFile } from './download-file.js';
import { type HubSettings, modelScopeSettings } from './environment.js';
import { hasSize } from './hub-cache.js';
import { HubConnection } from './hub-connection.js';
import type { ModelId } from './model-id.js';
import type { ResolveOptions } from './resolve-options.js';
import { type RemoteModel, takeModel } from './take-model.js';

const entrySchema = z.object({
  Path: z.string(),
  Type: z.string(),
  Size: z.number().int().nonnegative().default(0),
  Sha256: z.string().nullish(),
});
const filesSchema = z.object({ Data: z.object({ Files: z.array(entrySchema).nullable() }) });

type Entry = z.output<typeof entrySchema>;

/**
 * A model of ModelScope in the cache that its Python library keeps (modelscope-hub 0.5: `models/owner--name/snapshots/revision`, or the
 * folder of its predecessors where one is there). When the hub cannot be asked, what the cache holds is taken if it is whole.
 */
export async function fromModelScope(id: ModelId, options: ResolveOptions, signal: AbortSignal): Promise<string> {
  const settings = modelScopeSettings(options.env);
  const directory = await directoryOf(id, settings.cache);
  const place = { id, folder: directory, directory };
  if (settings.isOffline) return openCached(place);
  await using connection = connect(id, settings, options);
  const found = await askOrOpenCached(
    place,
    ({ retries }) => listFiles(connection, { id, settings, retries }, signal),
    signal,
  );
  if ('path' in found) return found.path;
  const remote = remoteModel(found.answer, { connection, directory, settings, id, options });
  return await takeModel(remote, id, signal); // the connection must live until then
}

/** Libraries up to 1.37 wrote dots of the name as `___`, and put `hub` before it where MODELSCOPE_CACHE was not set. */
async function directoryOf(id: ModelId, cache: string): Promise<string> {
  const [owner = '', name = ''] = id.name.split('/');
  const former = join('models', owner, name.replaceAll('.', '___'));
  for (const path of [join(cache, former), join(cache, 'hub', former)]) {
    const entries = await readdir(path).catch(() => []);
    if (entries.length > 0) return path;
  }
  return join(cache, 'models', id.name.replaceAll('/', '--'), 'snapshots', revisionOf(id));
}

function connect(id: ModelId, settings: HubSettings, { env, backoffMs = 500 }: ResolveOptions): HubConnection {
  const { token } = settings;
  const credentials: Record<string, string> = // its older routes know the cookie, the newer ones the header
    token === undefined ? {} : { authorization: `Bearer ${token}`, cookie: `m_session_id=${token}` };
  return new HubConnection({
    ...settings,
    env,
    backoffMs,
    credentials,
    explain: (response) => explain(response, id, settings),
  });
}

async function listFiles(
  connection: HubConnection,
  { id, settings, retries }: { id: ModelId; settings: HubSettings; retries: number | undefined },
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Entry>> {
  const query = new URLSearchParams({ Revision: revisionOf(id), Recursive: 'True' });
  const url = `${settings.endpoint}/api/v1/models/${id.name}/repo/files?${query}`;
  const { text } = await connection.getText({ url, retries }, signal);
  const parsed = filesSchema.safeParse(jsonOf(text));
  if (!parsed.success) {
    throw new ConfigError(`${settings.endpoint} does not answer as ModelScope does: check MODELSCOPE_ENDPOINT`, {
      cause: parsed.error,
    });
  }
  const files = (parsed.data.Data.Files ?? []).filter(({ Type }) => Type !== 'tree');
  return new Map(files.map((file) => [file.Path, file]));
}

function remoteModel(
  files: ReadonlyMap<string, Entry>,
  parts: { connection: HubConnection; directory: string; settings: HubSettings; id: ModelId; options: ResolveOptions },
): RemoteModel {
  const { connection, directory, settings, id, options } = parts;
  const fileOf = (name: string): Entry => {
    const file = files.get(name);
    if (file === undefined) throw new ConfigError(`${id.name} has no file ${name}`);
    return file;
  };
  return {
    directory,
    files: new Map([...files].map(([name, { Size }]) => [name, Size])),
    has: (name, signal) => isSame(join(directory, name), fileOf(name), signal),
    take: async (name, signal) => {
      const { Size: sizeBytes, Sha256: hex } = fileOf(name);
      const query = new URLSearchParams({ Revision: revisionOf(id), FilePath: name });
      const download = {
        url: `${settings.endpoint}/api/v1/models/${id.name}/repo?${query}`,
        sizeBytes,
        digest: hex ? ({ kind: 'sha256', hex } as const) : undefined,
        target: join(directory, name),
        onProgress: (doneBytes: number): void => options.onProgress?.(name, doneBytes, sizeBytes),
      };
      await downloadFile(connection, download, signal);
    },
  };
}

/** The folder is named for a branch, which moves: as its own library does, a file's content is compared. */
async function isSame(path: string, { Size, Sha256 }: Entry, signal: AbortSignal): Promise<boolean> {
  if (!(await hasSize(path, Size))) return false;
  if (!Sha256) return true;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
  return hash.digest('hex') === Sha256;
}

function revisionOf({ revision = 'master' }: ModelId): string {
  return revision;
}

function explain({ status }: Response, id: ModelId, { endpoint, token }: HubSettings): ConfigError | undefined {
  if (![401, 403, 404].includes(status)) return undefined;
  const withToken = token === undefined ? 'set MODELSCOPE_API_TOKEN' : 'check that MODELSCOPE_API_TOKEN may read it';
  return new ConfigError(
    `there is no model ${id.name} (revision ${revisionOf(id)}) at ${endpoint}, or it is private: check the spelling, or ${withToken}`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a page of some proxy: the schema refuses it
  }
}
