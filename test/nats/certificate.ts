import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A certificate that is its own authority, for `localhost` and 127.0.0.1. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** DER: a tag, the length, the content. */
function encode(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const bytes = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
}

const sequence = (...contents: readonly Buffer[]): Buffer => encode(0x30, ...contents);
const oid = (hex: string): Buffer => encode(0x06, Buffer.from(hex, 'hex'));
const utcTime = (date: Date): Buffer =>
  encode(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`));

/** ecdsa-with-SHA256 */
const ALGORITHM = sequence(oid('2a8648ce3d040302'));
/** commonName */
const NAME = sequence(encode(0x31, sequence(oid('550403'), encode(0x0c, Buffer.from('localhost')))));
/** subjectAltName */
const NAMES = sequence(
  oid('551d11'),
  encode(0x04, sequence(encode(0x82, Buffer.from('localhost')), encode(0x87, Buffer.from([127, 0, 0, 1])))),
);
const DAY_MS = 86_400_000;

/** Makes one that is good from yesterday until tomorrow: nothing with a date is kept in the repository. */
export function createCertificate(now = Date.now()): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const content = sequence(
    encode(0xa0, encode(0x02, Buffer.from([2]))),
    encode(0x02, serial),
    ALGORITHM,
    NAME,
    sequence(utcTime(new Date(now - DAY_MS)), utcTime(new Date(now + DAY_MS))),
    NAME,
    publicKey.export({ type: 'spki', format: 'der' }),
    encode(0xa3, sequence(NAMES)),
  );
  const signature = encode(0x03, Buffer.from([0]), sign('sha256', content, privateKey));
  const text = sequence(content, ALGORITHM, signature)
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
