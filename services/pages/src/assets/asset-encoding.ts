import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { AssetFile } from './app-bundle.ts';

const compressors = {
  br: (body: Buffer) =>
    promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: (body: Buffer) => promisify(gzip)(body),
} as const;
type Encoding = keyof typeof compressors;

/** Nearly as small as the best, in a tenth of the time: files are compressed when they are asked for first. */
const BROTLI_QUALITY = 9;
/** Below this the headers weigh more than what is saved. */
const MIN_BYTES = 1000;

/** Encodings that a browser names in `Accept-Encoding`, the better first; `q=0` takes one away. */
export function acceptedEncoding(header: string | undefined): Encoding | undefined {
  const accepted = new Set(
    (header ?? '')
      .split(',')
      .map((part) =>
        part
          .trim()
          .toLowerCase()
          .split(/\s*;\s*/),
      )
      .filter(([, quality]) => !/^q=0(\.0*)?$/.test(quality ?? ''))
      .map(([name]) => name),
  );
  return (['br', 'gzip'] as const).find((name) => accepted.has(name));
}

/** Files of a bundle in every encoding that was asked for, each compressed once. */
export class EncodedAssets {
  readonly #files: ReadonlyMap<string, AssetFile>;
  readonly #encoded = new Map<string, Promise<Buffer>>();

  constructor(files: ReadonlyMap<string, AssetFile>) {
    this.#files = files;
  }

  /** `undefined` when there is no such file. */
  async get(
    name: string,
    acceptEncoding: string | undefined,
  ): Promise<(AssetFile & { readonly encoding?: Encoding }) | undefined> {
    const file = this.#files.get(name);
    const encoding = acceptedEncoding(acceptEncoding);
    if (file === undefined || encoding === undefined || file.body.length < MIN_BYTES) return file;
    const key = `${encoding} ${name}`;
    const known = this.#encoded.get(key) ?? compressors[encoding](file.body);
    this.#encoded.set(key, known);
    return { ...file, encoding, body: await known };
  }
}
