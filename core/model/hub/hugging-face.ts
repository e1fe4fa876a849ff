import type { Response as HubResponse } from 'undici';
import { z } from 'zod';
import { ConfigError, InfrastructureError } from '../../errors.js';
import { askOrOpenCached, type CachedPlace, openCached } from './cached-model.js';
import { type Digest, downloadFile } from './download-file.js';
import { type HubSettings, huggingFaceSettings } from './environment.js';
import { HubCache, hasSize, isCommit } from './hub-cache.js';
import { HubConnection } from './hub-connection.js';
import type { ModelId } from './model-id.js';
import type { ResolveOptions } from './resolve-options.js';
import { type RemoteModel, takeModel } from './take-model.js';

/** No model comes near them; a listing must end. */
const MAX_FILES = 100_000;
const MAX_PAGES = 1000;

const hash = z.string().regex(/^[0-9a-f]{40}$|^[0-9a-f]{64}$/);
const modelSchema = z.object({ sha: z.string().refine(isCommit) });
const entrySchema = z.object({
  type: z.string(),
  path: z.string(),
  size: z.number().int().nonnegative(),
  oid: hash,
  lfs: z.object({ oid: hash, size: z.number().int().nonnegative() }).optional(),
});

/** What the hub says of a file: its name in `blobs` is what Python calls the ETag. */
interface HubFile {
  readonly sizeBytes: number;
  readonly digest: Digest;
}

interface Revision {
  readonly commit: string;
  readonly files: ReadonlyMap<string, HubFile>;
}

/**
 * A model of the Hugging Face Hub in the cache that Python's huggingface_hub keeps; only what is missing there is downloaded. When the
 * hub cannot be asked, what the cache holds of that revision is taken if it is whole.
 */
export async function fromHuggingFace(id: ModelId, options: ResolveOptions, signal: AbortSignal): Promise<string> {
  const settings = await huggingFaceSettings(options.env);
  const cache = new HubCache(settings.cache, id.name);
  const place = await placeOf(cache, id);
  if (settings.isOffline) return openCached(place);
  await using connection = connect(id, settings, options);
  const found = await askOrOpenCached(
    place,
    ({ retries }) => findRevision(connection, { id, settings, retries }, signal),
    signal,
  );
  if ('path' in found) return found.path;
  const remote = remoteModel(found.answer, { connection, cache, settings, id, options });
  const path = await takeModel(remote, id, signal);
  await cache.remember(revisionOf(id), found.answer.commit);
  return path;
}

async function placeOf(cache: HubCache, id: ModelId): Promise<CachedPlace> {
  const commit = await cache.commitOf(revisionOf(id));
  return { id, folder: cache.folder, directory: commit === undefined ? undefined : cache.snapshot(commit) };
}

function connect(id: ModelId, settings: HubSettings, { env, backoffMs = 500 }: ResolveOptions): HubConnection {
  const credentials: Record<string, string> =
    settings.token === undefined ? {} : { authorization: `Bearer ${settings.token}` };
  return new HubConnection({
    ...settings,
    env,
    backoffMs,
    credentials,
    explain: (response) => explain(response, id, settings),
  });
}

/**
 * The library lists; its requests go through our connection, which gives them deadline, signal, retries, and tokens of any form (its own
 * must begin with `hf_`). It does not download: its cache shares one unfinished file among processes, does not go on where a connection broke
 * and checks no size.
 */
async function findRevision(
  connection: HubConnection,
  { id, settings, retries }: { id: ModelId; settings: HubSettings; retries: number | undefined },
  signal: AbortSignal,
): Promise<Revision> {
  const { listFiles, modelInfo } = await import('@huggingface/hub');
  let pages = 0;
  const fetch = async (input: string | URL | Request): Promise<Response> => {
    if (++pages > MAX_PAGES) throw endless(id);
    const url = input instanceof Request ? input.url : String(input);
    const { text, headers } = await connection.getText({ url, retries }, signal);
    return new Response(text, { headers: [...headers] });
  };
  const hub = { hubUrl: settings.endpoint, fetch };
  try {
    const info = await modelInfo({ ...hub, name: id.name, revision: revisionOf(id), additionalFields: ['sha'] });
    const { sha: commit } = modelSchema.parse(info);
    const files = new Map<string, HubFile>();
    const repo = { type: 'model', name: id.name } as const;
    for await (const entry of listFiles({ ...hub, repo, recursive: true, revision: commit })) {
      if (files.size >= MAX_FILES) throw endless(id);
      if (entry.type === 'file') files.set(entry.path, toFile(entrySchema.parse(entry)));
    }
    return { commit, files };
  } catch (cause) {
    if (cause instanceof ConfigError || cause instanceof InfrastructureError || signal.aborted) throw cause;
    throw new ConfigError(`${settings.endpoint} does not answer as a hub does: check HF_ENDPOINT`, { cause });
  }
}

function endless({ name }: ModelId): ConfigError {
  return new ConfigError(`the listing of ${name} has no end: that is no model`);
}

function toFile({ size, oid, lfs }: z.output<typeof entrySchema>): HubFile {
  if (lfs !== undefined) return { sizeBytes: lfs.size, digest: { kind: 'sha256', hex: lfs.oid } };
  return { sizeBytes: size, digest: { kind: 'git', hex: oid } };
}

function remoteModel(
  { commit, files }: Revision,
  parts: { connection: HubConnection; cache: HubCache; settings: HubSettings; id: ModelId; options: ResolveOptions },
): RemoteModel {
  const { connection, cache, settings, id, options } = parts;
  const fileOf = (name: string): HubFile => {
    const file = files.get(name);
    if (file === undefined) throw new ConfigError(`${id.name} has no file ${name}`);
    return file;
  };
  const directory = cache.snapshot(commit);
  return {
    directory,
    files: new Map([...files].map(([name, { sizeBytes }]) => [name, sizeBytes])),
    has: async (name) => hasSize(`${directory}/${name}`, fileOf(name).sizeBytes),
    take: async (name, signal) => {
      const { sizeBytes, digest } = fileOf(name);
      const target = cache.blob(digest.hex);
      if (!(await hasSize(target, sizeBytes))) {
        const url = `${settings.endpoint}/${id.name}/resolve/${commit}/${name.split('/').map(encodeURIComponent).join('/')}`;
        const onProgress = (doneBytes: number): void => options.onProgress?.(name, doneBytes, sizeBytes);
        await downloadFile(connection, { url, sizeBytes, digest, target, onProgress }, signal);
      }
      await cache.link(commit, name, digest.hex);
    },
  };
}

function revisionOf({ revision = 'main' }: ModelId): string {
  return revision;
}

function explain(response: HubResponse, id: ModelId, { endpoint, token }: HubSettings): ConfigError | undefined {
  const page = `${endpoint}/${id.name}`;
  const code = response.headers.get('x-error-code');
  const isGated = code === 'GatedRepo';
  const withToken =
    token === undefined ? 'set HF_TOKEN to a token that may read it' : 'check that the token in use may read it';
  switch (response.status) {
    case 401:
    case 403:
      if (isGated) return new ConfigError(`${id.name} is gated: accept its terms at ${page}, then ${withToken}`);
      return new ConfigError(
        `there is no model ${id.name} at ${endpoint}, or it is private: check the spelling, or ${withToken}`,
      );
    case 404:
      if (code === 'RevisionNotFound') {
        return new ConfigError(
          `${id.name} has no revision ${revisionOf(id)}: see ${page}/tree/main for its branches and tags`,
        );
      }
      return new ConfigError(
        `there is no model ${id.name}, neither on this machine nor at ${endpoint}: check the spelling, or, if it is private, ${withToken}`,
      );
    default:
      return undefined;
  }
}
