/** The release of nats-server that is fetched when a machine has none. */
export const PINNED_NATS_SERVER_VERSION = '2.15.0';

/**
 * SHA-256 of the release's archives, by the name of the asset without its version.
 *
 * The Linux sums are those of the project's own image build (nats-io/nats-docker, `2.15.x/alpine3.22/Dockerfile`,
 * release v2.15.0). The one for Apple silicon was published by third parties who had read it from the release's
 * `SHA256SUMS`, together with the same Linux sums. A platform without an entry is verified against the `SHA256SUMS` file that lies
 * beside the asset, which protects against a broken download but not against a replaced release: whoever raises the
 * version fills in what that file says for every platform (docs/decisions/0003 tells how).
 */
export const PINNED_NATS_SERVER_SHA256: ReadonlyMap<string, string> = new Map([
  ['linux-amd64.tar.gz', '5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92'],
  ['linux-arm64.tar.gz', 'cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112'],
  ['darwin-arm64.tar.gz', 'e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8'],
]);

/** A release and where it is. */
export interface NatsServerRelease {
  version: string;
  /** The address of its assets, without a slash at the end. */
  url: string;
  /** Known sums, as in `PINNED_NATS_SERVER_SHA256`. */
  sha256: ReadonlyMap<string, string>;
}

/** The release that is fetched. */
export const PINNED_NATS_SERVER_RELEASE: NatsServerRelease = {
  version: PINNED_NATS_SERVER_VERSION,
  url: `https://github.com/nats-io/nats-server/releases/download/v${PINNED_NATS_SERVER_VERSION}`,
  sha256: PINNED_NATS_SERVER_SHA256,
};

/** What the asset for a platform is called after `nats-server-v<version>-`, or undefined when there is none. */
export function natsServerAssetSuffix(platform: NodeJS.Platform, arch: string): string | undefined {
  const system = { linux: 'linux', darwin: 'darwin', win32: 'windows' }[platform as string];
  const machine = { x64: 'amd64', arm64: 'arm64' }[arch];
  if (system === undefined || machine === undefined) return undefined;
  return `${system}-${machine}.${system === 'windows' ? 'zip' : 'tar.gz'}`;
}
