import { expect, test } from 'vitest';
import { freePort } from './free-port.ts';

test('of ports that are asked for before anything listens there none is given twice', async () => {
  const ports = new Set<number>();
  for (let count = 1; count <= 500; count += 1) {
    ports.add(await freePort());
    expect(ports.size).toBe(count);
  }
});
