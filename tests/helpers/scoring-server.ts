import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

const requestSchema = z.strictObject({
  inputs: z.array(
    z.strictObject({ messages: z.array(z.json()), task: z.json(), data_source: z.string(), response: z.string() }),
  ),
});

export type ScoringRequest = z.output<typeof requestSchema> & { readonly headers: IncomingHttpHeaders };

export interface ScoringServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: ScoringRequest[];
  /** The most requests that were open at once. */
  readonly mostOpen: () => number;
}

/** What a server says: a body, sent as JSON unless it is text, with status 200 unless another is given; undefined: it never answers. */
export type ScoringAnswer = { readonly status?: number; readonly body: unknown } | undefined;

/** A real HTTP server that answers as it is told; `count` is of requests so far, from 1. */
export async function openScoringServer(
  answer: (request: ScoringRequest, count: number) => ScoringAnswer | Promise<ScoringAnswer>,
): Promise<ScoringServer> {
  const requests: ScoringRequest[] = [];
  let [open, most] = [0, 0];
  const server = createServer(async (incoming, outgoing) => {
    most = Math.max(most, ++open);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const request = { ...requestSchema.parse(JSON.parse(Buffer.concat(chunks).toString())), headers: incoming.headers };
    const answered = await answer(request, requests.push(request));
    open--;
    if (answered === undefined) return;
    const { status = 200, body } = answered;
    outgoing.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/score?model=tiny`,
    requests,
    mostOpen: () => most,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
