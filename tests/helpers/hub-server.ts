import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What a repository has: text or bytes by path; those in `lfs` lie behind a redirect to another origin. */
export interface HubRepository {
  readonly name: string;
  readonly commit: string;
  readonly files: { readonly [path: string]: string | Uint8Array };
  readonly lfs?: readonly string[];
  /** Branches and tags besides `main` (`master` on ModelScope). */
  readonly revisions?: readonly string[];
  /** Who does not send it is answered 401. */
  readonly token?: string;
  /** Terms that nobody has accepted: 403. */
  readonly isGated?: boolean;
}

/** One request that either origin got. */
export interface HubRequestSeen {
  readonly origin: 'hub' | 'storage';
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
}

/** Looks at a request before it is answered; true when it answered by itself. */
export type Trouble = (request: HubRequestSeen, response: ServerResponse, content: Uint8Array | undefined) => boolean;

/**
 * The routes of the Hugging Face Hub and of ModelScope that downloads need, on loopback, with large files on a second origin, as theirs
 * are. Real files, ETags, ranges, links to next pages.
 */
export class HubServer implements AsyncDisposable {
  readonly requests: HubRequestSeen[] = [];
  /** Troubles to come, each asked until it says that it was the one. */
  readonly troubles: Trouble[] = [];
  readonly url: string;
  readonly #servers: readonly Server[];

  private constructor(servers: readonly Server[], url: string) {
    this.#servers = servers;
    this.url = url;
  }

  static async start(repository: HubRepository): Promise<HubServer> {
    const [hub, storage] = [createServer(), createServer()];
    const [hubUrl, storageUrl] = [await listen(hub), await listen(storage)];
    const server = new HubServer([hub, storage], hubUrl);
    hub.on('request', (request, response) => {
      const route = new Routes(repository, hubUrl, storageUrl);
      server.#answer('hub', request, response, route);
    });
    storage.on('request', (request, response) => {
      server.#answer('storage', request, response, new Routes(repository, hubUrl, storageUrl));
    });
    return server;
  }

  /** The paths that were asked for, without their queries. */
  paths(origin?: 'hub' | 'storage'): string[] {
    const seen = this.requests.filter((one) => origin === undefined || one.origin === origin);
    return seen.map(({ path }) => path.split('?')[0] ?? '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  }

  #answer(origin: 'hub' | 'storage', request: IncomingMessage, response: ServerResponse, routes: Routes): void {
    const { url: path = '', headers } = request;
    const { range, authorization, cookie } = headers;
    const seen = { origin, path, range, authorization, cookie };
    this.requests.push(seen);
    const answer = origin === 'hub' ? routes.hub(path, authorization) : routes.storage(path);
    const [trouble] = this.troubles;
    if (trouble?.(seen, response, answer.content) === true) {
      this.troubles.shift();
      return;
    }
    send(response, answer, range);
  }
}

interface Answer {
  readonly status: number;
  readonly headers?: { readonly [name: string]: string };
  readonly content?: Uint8Array;
}

class Routes {
  readonly #repository: HubRepository;
  readonly #hubUrl: string;
  readonly #storageUrl: string;

  constructor(repository: HubRepository, hubUrl: string, storageUrl: string) {
    this.#repository = repository;
    this.#hubUrl = hubUrl;
    this.#storageUrl = storageUrl;
  }

  hub(path: string, authorization: string | undefined): Answer {
    const { name, token, isGated } = this.#repository;
    const { pathname, searchParams } = new URL(path, this.#hubUrl);
    if (!pathname.includes(`/${name}/`)) return refusal(authorization === undefined ? 401 : 404, 'RepoNotFound');
    if (token !== undefined && authorization !== `Bearer ${token}`) return refusal(401, 'RepoNotFound');
    if (isGated === true && pathname.includes('/resolve/')) return refusal(403, 'GatedRepo');
    const [, route = '', rest = ''] =
      new RegExp(`/${name}/(revision|tree|resolve|repo/files|repo)/?(.*)$`).exec(pathname) ?? [];
    switch (route) {
      case 'revision':
        return this.#revision(decodeURIComponent(rest));
      case 'tree':
        return this.#tree(Number(searchParams.get('cursor') ?? 0));
      case 'resolve':
        return this.#resolve(decodeURIComponent(rest.split('/').slice(1).join('/')));
      case 'repo/files':
        return this.#modelScopeFiles(searchParams.get('Revision') ?? '');
      case 'repo':
        return this.#resolve(searchParams.get('FilePath') ?? '');
      default:
        return refusal(404, 'EntryNotFound');
    }
  }

  storage(path: string): Answer {
    const content = this.#content(decodeURIComponent(path.split('/').slice(2).join('/')));
    return content === undefined ? refusal(404, 'EntryNotFound') : { status: 200, content };
  }

  #revision(revision: string): Answer {
    const { name, commit, revisions = [] } = this.#repository;
    if (!['main', commit, ...revisions].includes(revision)) return refusal(404, 'RevisionNotFound');
    return json({ _id: '0', id: name, sha: commit, private: false, lastModified: '2025-01-01T00:00:00.000Z' });
  }

  /** Two entries a page. */
  #tree(cursor: number): Answer {
    const { name, commit, files, lfs = [] } = this.#repository;
    const entries = Object.keys(files).map((path) => {
      const content = this.#content(path) ?? Buffer.alloc(0);
      const large = lfs.includes(path) ? { lfs: { oid: sha256(content), size: content.length, pointerSize: 130 } } : {};
      return { type: 'file', path, oid: gitHash(content), size: content.length, ...large };
    });
    const next = `<${this.#hubUrl}/api/models/${name}/tree/${commit}?recursive=true&cursor=${cursor + 2}>; rel="next"`;
    const headers = cursor + 2 < entries.length ? { link: next } : {};
    return json(entries.slice(cursor, cursor + 2), headers);
  }

  #resolve(path: string): Answer {
    const { commit, lfs = [] } = this.#repository;
    const content = this.#content(path);
    if (content === undefined) return refusal(404, 'EntryNotFound');
    const headers = { 'x-repo-commit': commit, etag: `"${gitHash(content)}"` };
    if (!lfs.includes(path)) return { status: 200, headers, content };
    const large = { 'x-linked-etag': `"${sha256(content)}"`, 'x-linked-size': String(content.length) };
    return { status: 302, headers: { ...headers, ...large, location: `${this.#storageUrl}/large/${path}` } };
  }

  #modelScopeFiles(revision: string): Answer {
    const { files, commit, revisions = [] } = this.#repository;
    if (!['master', ...revisions].includes(revision)) return refusal(404, '');
    const blobs = Object.keys(files).map((path) => {
      const content = this.#content(path) ?? Buffer.alloc(0);
      return { Path: path, Name: path, Type: 'blob', Size: content.length, Sha256: sha256(content), Revision: commit };
    });
    return json({
      Code: 200,
      Success: true,
      Data: { Files: [{ Path: 'docs', Name: 'docs', Type: 'tree' }, ...blobs] },
    });
  }

  #content(path: string): Uint8Array | undefined {
    const { files } = this.#repository;
    const content = Object.hasOwn(files, path) ? files[path] : undefined;
    return typeof content === 'string' ? Buffer.from(content) : content;
  }
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** As `git hash-object` gives it. */
export function gitHash(content: string | Uint8Array): string {
  return createHash('sha1')
    .update(`blob ${Buffer.byteLength(content)}\0`)
    .update(content)
    .digest('hex');
}

function send(response: ServerResponse, { status, headers = {}, content }: Answer, range: string | undefined): void {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? Number.NaN);
  if (content === undefined || status !== 200 || Number.isNaN(start)) {
    response.writeHead(status, headers).end(content);
    return;
  }
  const contentRange = `bytes ${start}-${content.length - 1}/${content.length}`;
  response.writeHead(206, { ...headers, 'content-range': contentRange }).end(content.subarray(start));
}

function json(value: unknown, headers: { readonly [name: string]: string } = {}): Answer {
  const content = Buffer.from(JSON.stringify(value));
  return { status: 200, headers: { 'content-type': 'application/json', ...headers }, content };
}

function refusal(status: number, code: string): Answer {
  return { status, headers: { 'x-error-code': code }, content: Buffer.from('no') };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}
