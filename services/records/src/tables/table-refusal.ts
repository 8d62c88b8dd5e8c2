import { TidewireError } from '@tidewire/contract';

/** What is absent, in the words of this face. */
export const ABSENT = 'Resource not found';

/** The row that a JSON pointer leads to. */
const ROW = /^\/(?:records|ids)\/\d+/;

/**
 * Runs a request of the tables face, on which what may not be done looks like what is not there: 404 with one text, whether
 * a table, a record or a right is missing, and without the names of fields. Rows of a batch are still named: the one that
 * is absent and the one that is denied look the same.
 */
export async function onTablesFace<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof TidewireError ? tablesRefusal(error) : error;
  }
}

function tablesRefusal(error: TidewireError): TidewireError {
  if (error.code !== 'FORBIDDEN' && error.code !== 'NOT_FOUND') return error;
  const message = ABSENT;
  const rows = new Set(error.errors.flatMap(({ field }) => ROW.exec(field)?.[0] ?? []));
  return new TidewireError('NOT_FOUND', message, {
    errors: [...rows].map((field) => ({ field, message })),
    cause: error,
  });
}
