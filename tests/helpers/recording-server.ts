import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** One request as it came in. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** What is answered: a status, 200 when left out, and JSON. */
export interface RecordedAnswer {
  readonly status?: number;
  readonly json: unknown;
}

/** A service on loopback that answers as it is told to and keeps what it was asked. */
export class RecordingServer implements AsyncDisposable {
  readonly requests: RecordedRequest[] = [];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(answer: (request: RecordedRequest, url: string) => RecordedAnswer): Promise<RecordingServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
    const recording = new RecordingServer(server, address.port);
    server.on('request', (incoming, response) => {
      void read(incoming).then((request) => {
        recording.requests.push(request);
        const { status = 200, json } = answer(request, recording.url);
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
      });
    });
    return recording;
  }

  /** The bodies of requests to such paths, in their order. */
  bodies(method: string, path: RegExp): string[] {
    return this.requests.filter((one) => one.method === method && path.test(one.path)).map(({ body }) => body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

async function read(incoming: IncomingMessage): Promise<RecordedRequest> {
  const { method = '', url: path = '' } = incoming;
  return { method, path, body: (await buffer(incoming)).toString() };
}
