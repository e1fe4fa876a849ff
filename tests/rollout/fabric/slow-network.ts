import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A unix socket in front of another one; while cut it holds the bytes back and closes nothing, as a dead network does. */
export class SlowNetwork implements AsyncDisposable {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(path: string, target: string) {
    this.path = path;
    this.#server = createServer((client) => {
      const server = connect(target);
      this.#join(client, server);
      this.#join(server, client);
    });
  }

  static async open(path: string, target: string): Promise<SlowNetwork> {
    const network = new SlowNetwork(path, target);
    await new Promise<void>((resolve) => network.#server.listen(path, resolve));
    return network;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  mend(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.path, { force: true });
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    if (this.#isCut) from.pause();
    from.on('data', (data) => void to.write(data));
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
