import { graphqlResultSchema } from '@tidewire/contract';
import type { GraphqlResult } from '@tidewire/contract';
import { waitFor } from '@tidewire/test-kit';

/** Everything that one operation of a client was told, each result checked against the published schema. */
export class GraphqlRecording {
  readonly results: GraphqlResult[] = [];
  /** What ended it for good, as the client gives it to its application. */
  error: unknown;
  completed = false;
  /** Ends the operation from the client's side. */
  dispose: () => void = () => undefined;

  /** For the `subscribe` of graphql-ws and of graphql-sse. */
  readonly sink = {
    next: (result: unknown): void => void this.results.push(graphqlResultSchema.parse(result)),
    error: (error: unknown): void => {
      this.error = error;
    },
    complete: (): void => {
      this.completed = true;
    },
  };

  /** What events told of the root field, those without data left out. */
  get events(): readonly Record<string, unknown>[] {
    return this.results.flatMap(({ data }) => Object.values(data ?? {}) as Record<string, unknown>[]);
  }

  /** The cursor of the newest result. */
  get cursor(): string {
    const extensions = this.results.at(-1)?.extensions;
    return extensions?.eventId ?? extensions?.resync?.current ?? '';
  }

  async until(count: number): Promise<readonly GraphqlResult[]> {
    await waitFor(() => this.results.length >= count, { what: `${count} results arrive`, timeoutMs: 10_000 });
    return this.results;
  }

  async untilError(): Promise<unknown> {
    return await waitFor(() => this.error, { what: 'the operation fails', timeoutMs: 10_000 });
  }
}
