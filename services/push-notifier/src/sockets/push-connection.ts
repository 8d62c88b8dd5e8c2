import type { Socket } from 'node:net';
import { PUSH_LIMITS } from '@tidewire/contract';
import type { Admission } from '@tidewire/rights';
import type { Clock } from '@tidewire/service-kit';
import type { WebSocket } from 'ws';
import { Allowance } from './allowance.ts';
import { LoginDialogue, POLICY_VIOLATION } from './login-dialogue.ts';
import type { LoginDialogueOptions } from './login-dialogue.ts';
import type { PushSocket } from './push-socket.ts';
import { SocketLine } from './socket-line.ts';

export interface PushConnectionOptions extends LoginDialogueOptions {
  readonly clock: Clock;
  /** Whether this principal may have one more socket. */
  readonly hasRoom: (admission: Admission) => boolean;
  /** Lets in who is there. Owns the admission. */
  readonly open: (line: SocketLine, admission: Admission) => PushSocket;
  /** Nothing goes either way any more. Called once. */
  readonly onClose: (connection: PushConnection) => void;
}

export interface PushConnectionParts {
  readonly socket: WebSocket;
  readonly connection: Socket;
  readonly address: string;
  /** Called once it is known who is there. */
  readonly known: () => void;
}

/** Frames, pings included, that may come at once, and within ten seconds in the long run. */
const MOST_FRAMES = 200;
const FRAMES = { burst: MOST_FRAMES, perSecond: MOST_FRAMES / 10 };
/** The same for what never becomes a frame: so many of the longest ones, with their heads and the request before them. */
const MOST_BYTES = MOST_FRAMES * (PUSH_LIMITS.frameBytes + 14) + 64 * 1024;
const BYTES = { burst: MOST_BYTES, perSecond: MOST_BYTES / 10 };

/** One connection from its upgrade to its end: first it is asked who is there, then told what happens. */
export class PushConnection {
  readonly #line: SocketLine;
  readonly #clock: Clock;
  readonly #dialogue: LoginDialogue;
  readonly #frames: Allowance;
  readonly #bytes: Allowance;
  #readBytes = 0;
  /** Undefined until it is known who is there. */
  #socket: PushSocket | undefined;
  #ending = false;

  constructor(options: PushConnectionOptions, { socket, connection, address, known }: PushConnectionParts) {
    const { clock } = options;
    const line = new SocketLine(socket, connection);
    this.#line = line;
    this.#clock = clock;
    this.#frames = new Allowance(FRAMES, clock.monotonic());
    this.#bytes = new Allowance(BYTES, clock.monotonic());
    const port = {
      say: (text: string) => line.send(text),
      close: (code?: number) => this.#close(code),
      hasRoom: options.hasRoom,
      open: (admission: Admission) => {
        known();
        this.#socket = options.open(line, admission);
      },
    };
    this.#dialogue = new LoginDialogue(options, port, address);
    this.#listen(socket, options.onClose);
  }

  /** Looks after the connection, about twice a second. */
  look(now: number): void {
    const { readBytes } = this.#line;
    if (!this.#ending && !this.#bytes.take(now, readBytes - this.#readBytes)) this.#close(POLICY_VIOLATION);
    this.#readBytes = readBytes;
    this.#socket?.look(now);
  }

  /** Ends it, whoever is there. */
  end(): void {
    if (this.#socket === undefined) this.#close();
    else this.#socket.end();
  }

  #listen(socket: WebSocket, onClose: (connection: PushConnection) => void): void {
    // One buffer, as the library gives messages unless it is told otherwise.
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (this.#heard()) this.#dialogue.receive(isBinary ? undefined : data.toString());
    });
    socket.on('ping', (payload: Buffer) => {
      if (this.#heard()) this.#line.pong(payload);
    });
    socket.on('pong', (payload: Buffer) => {
      if (this.#heard()) this.#socket?.answered(payload);
    });
    // What breaks the protocol, or the connection, is closed by the library.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#leave();
      onClose(this);
    });
  }

  /** Takes note of a frame; false when it is to be ignored. */
  #heard(): boolean {
    if (this.#ending) return false;
    if (this.#frames.take(this.#clock.monotonic(), 1)) return true;
    this.#close(POLICY_VIOLATION);
    return false;
  }

  #close(code?: number): void {
    this.#leave();
    this.#line.close(code);
  }

  #leave(): void {
    this.#ending = true;
    this.#dialogue.ended();
    this.#socket?.ended();
  }
}
