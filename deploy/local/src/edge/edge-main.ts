import { readEdgeSettings } from './edge-settings.ts';
import { startEdge } from './edge.ts';

/** The edge as a process: configured by its environment, ready when it listens, drained by SIGTERM. */
async function main(): Promise<void> {
  const settings = readEdgeSettings(process.env);
  const edge = await startEdge(settings);
  process.stdout.write(`edge listens on port ${edge.port}\n`);
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void edge.stop(settings.drainMs).then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`edge: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
