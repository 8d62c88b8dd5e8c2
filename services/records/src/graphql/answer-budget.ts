import { TidewireError } from '@tidewire/contract';
import type { JsonValue } from '@tidewire/contract';
import { graphqlError } from '@tidewire/graphql';
import type { GraphQLError } from 'graphql';

/** What one answer may cost. */
export interface AnswerLimits {
  /** Objects in it, each time that it stands there. */
  readonly maxRows: number;
  /** Bytes that are read for it, and again bytes that it holds. */
  readonly maxBytes: number;
}

/** Errors of single fields that are told; of what is beyond, only how many they are. */
const MOST_ERRORS = 1000;
/** What a value costs besides its text: quotes, colons and commas. */
const VALUE_BYTES = 8;

/**
 * What one answer has cost so far. A document is weighed before it is executed, but how many objects a list of ids leads to
 * and how large values are shows only then; and one large value may stand in an answer many times.
 */
export class AnswerBudget {
  readonly #limits: AnswerLimits;
  readonly #abort = new AbortController();
  readonly #sizes = new WeakMap<object, number>();
  #rows = 0;
  #read = 0;
  #written = 0;
  #errors = 0;

  constructor(limits: AnswerLimits) {
    this.#limits = limits;
  }

  /** Aborted, with the refusal as its reason, when the answer has cost too much. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Bytes that may still be read. */
  get bytesLeft(): number {
    return Math.max(0, this.#limits.maxBytes - this.#read);
  }

  /** Errors that are not told. */
  get errorsLeftOut(): number {
    return Math.max(0, this.#errors - MOST_ERRORS);
  }

  noteRead(bytes: number): void {
    this.#read += bytes;
  }

  takeRows(count: number): void {
    this.#rows += count;
    if (this.#rows > this.#limits.maxRows) {
      this.#refuse(
        graphqlError('QUERY_TOO_COMPLEX', `The answer holds more than ${this.#limits.maxRows} objects`),
      );
    }
  }

  takeValue(key: string, value: JsonValue): void {
    this.#written += key.length + VALUE_BYTES + this.#sizeOf(value);
    if (this.#written > this.#limits.maxBytes) {
      this.#refuse(
        new TidewireError('PAYLOAD_TOO_LARGE', 'The answer is too large: ask for fewer rows or fields.'),
      );
    }
  }

  /** Whether one more error of a field is told. */
  takeError(): boolean {
    this.#errors += 1;
    return this.#errors <= MOST_ERRORS;
  }

  /** What is under way goes on until the next step: nothing of it is told. */
  #refuse(error: GraphQLError | TidewireError): void {
    this.#abort.abort(error);
  }

  #sizeOf(value: JsonValue): number {
    if (typeof value === 'string') return value.length;
    if (typeof value !== 'object' || value === null) return 0;
    const size = this.#sizes.get(value) ?? JSON.stringify(value).length;
    this.#sizes.set(value, size);
    return size;
  }
}
