import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'pg';
import type { Platform } from './platform.ts';

/** The database of a platform as its owner. Connections may break: the next statement gets a new one. */
export function openOwnerSql(ownerUrl: string): { sql: Platform['sql']; close(): Promise<void> } {
  const pool = new Pool({ connectionString: ownerUrl, max: 4 });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    sql: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
      (await pool.query(text, [...values])).rows as Row[],
    close: () => pool.end(),
  };
}

/** What a process of a platform has logged; empty when it has not begun. */
export function readLog(dataFolder: string, name: string): string {
  const file = join(dataFolder, 'logs', `${name}.log`);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
