import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Json } from '../core/types.js';

/** Answers one request of a kind; may be asked many times. */
export type SideHandler = (request: unknown) => Json | Promise<Json>;

const requestSchema = z.looseObject({ do: z.string() });

/** The other end of `Side`: answers each line of stdin, naming the handler in `do`, until stdin ends. */
export async function serveSide(handlers: { readonly [name: string]: SideHandler }): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const reply = await answer(handlers, JSON.parse(line)).then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}

async function answer(handlers: { readonly [name: string]: SideHandler }, raw: unknown): Promise<Json> {
  const request = requestSchema.parse(raw);
  const handler = handlers[request.do];
  if (handler === undefined) throw new Error(`no handler for ${request.do}`);
  return handler(request);
}
