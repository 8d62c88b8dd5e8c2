import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { connectBus, openLogWriter, silentLogger } from '@tidewire/messaging';
import { NatsSocket, freePort, runFolder, shippedNatsPasswords, startShippedNats } from '@tidewire/test-kit';
import { expect, onTestFinished, test } from 'vitest';
import { createCertificate } from './certificate.ts';
import { createCalloutKey } from './small-callout.ts';

const calloutIssuer = createCalloutKey().publicKey;
const identity = createCertificate();
const folder = runFolder('certificates');
const certFile = join(folder, 'server.pem');
const keyFile = join(folder, 'server.key');
mkdirSync(folder, { recursive: true });
writeFileSync(certFile, identity.certificate);
writeFileSync(keyFile, identity.key, { mode: 0o600 });

const tlsVariables = { TIDEWIRE_NATS_TLS_CERT_FILE: certFile, TIDEWIRE_NATS_TLS_KEY_FILE: keyFile };

/** As NODE_EXTRA_CA_CERTS does it for a service. */
function trustOurAuthority(): void {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, identity.certificate]);
  onTestFinished(() => setDefaultCACertificates(before));
}

test('with tls.conf a client without TLS gets no further than the greeting, and its password is not asked for', async () => {
  await using nats = await startShippedNats({ calloutIssuer, file: 'tls.conf', environment: tlsVariables });
  const login = { port: nats.port, user: 'relay', password: nats.passwordFor('relay') };
  await expect(NatsSocket.connect(login)).rejects.toThrow(/TLS|closed/);
  using client = await NatsSocket.connect({ ...login, tls: { authority: identity.certificate } });
  await client.flush();
  const { certificate } = createCertificate();
  await expect(NatsSocket.connect({ ...login, tls: { authority: certificate } })).rejects.toThrow(
    /self-signed/,
  );
});

test('a service that is told tls:// connects to such a server, and tells no other one its password', async () => {
  await using secure = await startShippedNats({ calloutIssuer, file: 'tls.conf', environment: tlsVariables });
  await using plain = await startShippedNats({ calloutIssuer });
  const connect = (url: string) =>
    connectBus({
      url: url.replace('nats://', 'tls://'),
      user: 'relay',
      logger: silentLogger,
      connectTimeoutMs: 300,
    });
  await expect(connect(secure.urlFor('relay'))).rejects.toThrow(/self-signed/);
  trustOurAuthority();
  await using bus = await connect(secure.urlFor('relay'));
  expect(bus.connected).toBe(true);
  await expect(connect(plain.urlFor('relay'))).rejects.toThrow(/does not support 'tls'/);
});

test('three servers with cluster.conf keep the log together, over routes with TLS', async () => {
  trustOurAuthority();
  const passwords = shippedNatsPasswords();
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const routes = Object.fromEntries(
    ports.map((port, index) => [
      `TIDEWIRE_NATS_ROUTE_${index + 1}`,
      `nats-route://route:s3cret@127.0.0.1:${port}`,
    ]),
  );
  await using servers = new AsyncDisposableStack();
  const started = await Promise.all(
    ports.map(async (port, index) =>
      servers.use(
        await startShippedNats({
          calloutIssuer,
          file: 'cluster.conf',
          passwords,
          serverName: `nats-${index + 1}`,
          cluster: { port, credentials: 'route:s3cret' },
          environment: {
            ...tlsVariables,
            ...routes,
            TIDEWIRE_NATS_ROUTE_PASSWORD: 's3cret',
            TIDEWIRE_NATS_ROUTE_CERT_FILE: certFile,
            TIDEWIRE_NATS_ROUTE_KEY_FILE: keyFile,
            TIDEWIRE_NATS_ROUTE_CA_FILE: certFile,
          },
        }),
      ),
    ),
  );
  const intruder = NatsSocket.connect({ port: ports[0] ?? 0, user: 'route', password: 's3cret' });
  await expect(intruder).rejects.toThrow(/TLS|closed|RESET/);
  const url = started.map((server) => server.urlFor('relay').replace('nats://', 'tls://')).join(',');
  await using bus = await connectBus({ url, user: 'relay', logger: silentLogger });
  const log = openLogWriter(bus, { maxAgeMs: 3_600_000, maxBytes: 64 << 20, replicas: 3 });
  await expect
    .poll(
      () =>
        log.create('epoch001', 0).then(
          () => true,
          () => false,
        ),
      { timeout: 20_000 },
    )
    .toBe(true);
});
