import { waitFor } from '@tidewire/test-kit';
import { PERSONAS, PARENT_OF } from './people.ts';
import type { Person, Place } from './people.ts';
import { FORMS } from './matrix-world.ts';
import type { MatrixWorld } from './matrix-world.ts';
import { knowsForm } from './rights-table.ts';

interface Frame {
  readonly name: string;
  readonly text: string;
}

/** One stream of one person, on everything that it may name, and everything that came. */
export class Watch implements AsyncDisposable {
  readonly person: Person;
  readonly frames = new Map<string, Frame[]>();
  /** The newest position that the stream has told of. */
  position = '';
  /** What must not happen here: the stream is to say everything itself. */
  readonly faults: string[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  private constructor(person: Person, response: Response, stop: AbortController) {
    this.person = person;
    this.#stop = stop;
    this.#ended = this.#read(response).catch((error: unknown) => {
      if (!stop.signal.aborted) this.faults.push(String(error));
    });
  }

  static async open(world: MatrixWorld, person: Person): Promise<Watch> {
    const stop = new AbortController();
    const query = new URLSearchParams(
      topicsOf(world, person).map((topic): [string, string] => ['topic', topic]),
    );
    const token = world.token(person);
    const response = await fetch(
      `${world.platform.gateways[0]?.url}/api/realtime/subscribe?${query.toString()}`,
      {
        signal: stop.signal,
        headers: {
          accept: 'text/event-stream',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      },
    );
    if (response.status !== 200) throw new Error(`${person}: ${response.status} ${await response.text()}`);
    const watch = new Watch(person, response, stop);
    await waitFor(() => watch.position !== '', {
      what: `the stream of ${person} is open`,
      timeoutMs: 30_000,
    });
    return watch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  /** Names of the events of a row, in their order. */
  eventsOf(uuid: string): readonly string[] {
    return (this.frames.get(uuid) ?? []).map(({ name }) => name);
  }

  textOf(uuid: string): string {
    return (this.frames.get(uuid) ?? []).map(({ text }) => text).join('');
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const bytes of response.body ?? []) {
      const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) this.#take(part);
    }
    this.faults.push('the stream ended');
  }

  #take(frame: string): void {
    const field = (name: string): string | undefined =>
      frame
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2);
    const text = field('data');
    const name = field('event');
    if (text !== undefined && name?.startsWith('object.') === true) {
      const { data } = JSON.parse(text) as { readonly data: { readonly uuid: string } };
      const known = this.frames.get(data.uuid) ?? [];
      this.frames.set(data.uuid, [...known, { name, text }]);
    } else if (name !== undefined) this.faults.push(frame);
    this.position = field('id') ?? this.position;
  }
}

/** Organisations and registers that the person may name, and each row by its id, whoever may see it. */
function topicsOf(world: MatrixWorld, person: Person): string[] {
  const registers = new Set(FORMS.filter((form) => knowsForm(form, person)).map(({ register }) => register));
  return [
    ...organisationsOf(person).map((place) => `organisation/${world.organisations.get(place)}`),
    ...[...registers].map((register) => `register/${register}`),
    ...world.samples.map(({ uuid }) => `object/${uuid}`),
  ];
}

/** The active organisation and those above it. */
function organisationsOf(person: Person): readonly Place[] {
  if (person === 'token') return organisationsOf('team');
  const chain: Place[] = [];
  for (let place = PERSONAS[person]?.organisations[0]; place !== undefined; place = PARENT_OF[place]) {
    chain.push(place);
  }
  return chain;
}
