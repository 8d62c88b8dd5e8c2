import type { TableRecord } from '@tidewire/contract';
import { ClientError } from '../client-error.ts';
import type { Runtime } from '../runtime.ts';
import type { RecordList, RecordQuery, RecordsApi } from '../sources/records-api.ts';
import { request, toClientError, unusableAnswer } from './http.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';

export interface RecordsHttpOptions {
  readonly url: string;
  readonly runtime: Runtime;
  readonly getToken: (() => string | null | Promise<string | null>) | undefined;
}

/** Records over HTTP: PROTOCOL.md 3.4. A credential that does not count is asked for once more. */
export class RecordsHttp implements RecordsApi {
  readonly #options: RecordsHttpOptions;

  constructor(options: RecordsHttpOptions) {
    this.#options = options;
  }

  async list(query: RecordQuery, etag: string | undefined, signal: AbortSignal): Promise<RecordList> {
    const parameters = new URLSearchParams({ limit: String(query.limit) });
    if (query.filter !== undefined) parameters.set('filter', query.filter);
    if (query.sort !== undefined) parameters.set('sort', query.sort);
    if (query.fields !== undefined) parameters.set('fields', query.fields.join(','));
    const answer = await this.#send(`${pathOf(query.table)}?${parameters}`, { ifNoneMatch: etag, signal });
    if (answer.status === 304) {
      if (answer.position === undefined) throw unusableAnswer('The answer has no position');
      return { records: 'unchanged', total: 0, position: answer.position, etag };
    }
    return { ...readList(answer.body), etag: answer.etag };
  }

  async find(table: string, id: string): Promise<TableRecord | null> {
    try {
      return readRecord((await this.#send(pathOf(table, id), {})).body);
    } catch (error) {
      if (error instanceof ClientError && error.status === 404) return null;
      throw error;
    }
  }

  async create(table: string, fields: object): Promise<TableRecord> {
    return readRecord((await this.#send(pathOf(table), { method: 'POST', body: { fields } })).body);
  }

  async change(table: string, id: string, fields: object, updatedAt: string): Promise<TableRecord> {
    const body = { fields, updatedAt };
    return readRecord((await this.#send(pathOf(table, id), { method: 'PATCH', body })).body);
  }

  async remove(table: string, id: string): Promise<void> {
    await this.#send(pathOf(table, id), { method: 'DELETE' });
  }

  async #send(path: string, order: Omit<HttpRequest, 'url' | 'token'>): Promise<HttpAnswer> {
    const { url, runtime } = this.#options;
    const token = await this.#token();
    try {
      return await request(runtime, { ...order, url: url + path, token });
    } catch (thrown) {
      const error = toClientError(thrown);
      if (error.status !== 401) throw error;
      const other = await this.#token();
      if (other === token) throw error;
      return await request(runtime, { ...order, url: url + path, token: other });
    }
  }

  async #token(): Promise<string | null> {
    try {
      return (await this.#options.getToken?.()) ?? null;
    } catch (cause) {
      throw new ClientError('TOKEN', 'getToken failed', { transient: true, cause });
    }
  }
}

function pathOf(table: string, id?: string): string {
  const path = `/api/tables/${encodeURIComponent(table)}/records`;
  return id === undefined ? path : `${path}/${encodeURIComponent(id)}`;
}

/** Enough is looked at for nothing to break later: the rest is the server's word. */
function readList(body: unknown): Omit<RecordList, 'etag'> {
  const { records, pagination, position } = (body ?? {}) as {
    records?: unknown;
    pagination?: { total?: unknown };
    position?: unknown;
  };
  if (!Array.isArray(records) || typeof position !== 'string' || typeof pagination?.total !== 'number') {
    throw unusableAnswer('The answer is no list of records');
  }
  return { records: records.map(readRecord), total: pagination.total, position };
}

function readRecord(value: unknown): TableRecord {
  const record = (value ?? {}) as Partial<TableRecord>;
  if (
    typeof record.id !== 'string' ||
    typeof record.fields !== 'object' ||
    typeof record.updatedAt !== 'string'
  ) {
    throw unusableAnswer('The answer is no record');
  }
  return record as TableRecord;
}
