import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import type { ECDH } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PushSubscription } from '@tidewire/contract';

/** The keys of one subscription, as a browser keeps them. */
export interface SubscriptionKeys {
  readonly curve: ECDH;
  readonly auth: Buffer;
}

/** What came to a push endpoint, as the device reads it. */
export interface ReceivedMessage {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Bytes as they came. */
  readonly size: number;
  /** Undefined when it cannot be decrypted by the keys of its subscription. */
  readonly text: string | undefined;
}

export interface PushEndpoint extends AsyncDisposable {
  readonly port: number;
  readonly messages: ReceivedMessage[];
  /** What it answers with; 201 at first. A test may keep answers waiting. */
  answer: (response: ServerResponse, path: string) => void;
  /** A new subscription here, with keys of its own. `host` is what its endpoint calls this machine. */
  subscribe(host?: string): PushSubscription;
  /** The messages as JSON. */
  json(): unknown[];
}

export function createSubscriptionKeys(): SubscriptionKeys {
  const curve = createECDH('prime256v1');
  curve.generateKeys();
  return { curve, auth: randomBytes(16) };
}

/** A push service on this machine that decrypts what comes, as the device would. */
export async function startPushEndpoint(): Promise<PushEndpoint> {
  const keys = new Map<string, SubscriptionKeys>();
  const messages: ReceivedMessage[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      const body = Buffer.concat(chunks);
      messages.push({ path, headers: request.headers, size: body.length, text: read(body, keys.get(path)) });
      endpoint.answer(response, path);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const endpoint: PushEndpoint = {
    port,
    messages,
    answer: (response) => void response.writeHead(201).end(),
    subscribe(host = '127.0.0.1') {
      const path = `/push/${randomBytes(12).toString('base64url')}`;
      const made = createSubscriptionKeys();
      keys.set(path, made);
      return {
        endpoint: `http://${host}:${port}${path}`,
        expirationTime: null,
        keys: { p256dh: made.curve.getPublicKey('base64url'), auth: made.auth.toString('base64url') },
      };
    },
    json: () => messages.map(({ text }) => JSON.parse(text ?? '') as unknown),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return endpoint;
}

function read(body: Buffer, keys: SubscriptionKeys | undefined): string | undefined {
  if (keys === undefined) return undefined;
  try {
    return decryptMessage(body, keys).toString('utf8');
  } catch {
    return undefined;
  }
}

const KEY_BYTES = 65;
const TAG_BYTES = 16;

/** Decrypts a message of one record (RFC 8291 over RFC 8188). @throws when it is not for these keys, or not as it was sent. */
export function decryptMessage(body: Buffer, { curve, auth }: SubscriptionKeys): Buffer {
  const salt = body.subarray(0, 16);
  const recordSize = body.readUInt32BE(16);
  const sender = body.subarray(21, 21 + body.readUInt8(20));
  const record = body.subarray(21 + sender.length);
  if (sender.length !== KEY_BYTES || record.length > recordSize)
    throw new Error('the header is not that of a message');
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), curve.getPublicKey(), sender]);
  const secret = hkdfSync('sha256', curve.computeSecret(sender), auth, info, 32);
  const derive = (what: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync('sha256', Buffer.from(secret), salt, `Content-Encoding: ${what}\0`, bytes));
  const decipher = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
  decipher.setAuthTag(record.subarray(-TAG_BYTES));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -TAG_BYTES)), decipher.final()]);
  // The last record ends with 2 and zeros.
  const end = padded.lastIndexOf(2);
  if (end < 0 || padded.subarray(end + 1).some((byte) => byte !== 0)) throw new Error('the padding is wrong');
  return padded.subarray(0, end);
}
