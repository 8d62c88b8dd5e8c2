import { EVENT_NAMES, formatEventId } from '@tidewire/contract';
import type { Transition } from '@tidewire/contract';
import type { FieldMask } from '@tidewire/policy';
import type { Wire } from '../delivery/connection.ts';
import { formatCloudEvent, wireAction } from '../formats/cloud-event.ts';
import type { CloudEventSettings } from '../formats/cloud-event.ts';
import { pollEvent } from '../formats/poll-line.ts';
import { chunk, sseFrame } from '../formats/sse.ts';
import { formatTableChange } from '../formats/table-message.ts';
import type { Judgement } from './judge.ts';
import { MemberTexts } from './project.ts';
import type { ObjectEntry } from './subscription.ts';
import { carriesImage } from './transition.ts';
import type { ViewClass } from './view-class.ts';

/** One way an event looks on the wire, shared by all classes to which it looks so. */
interface Shape {
  readonly transition: Transition;
  readonly before: FieldMask;
  readonly withActor: boolean;
  readonly wire: Wire;
  readonly table: string | undefined;
  readonly bytes: Buffer;
}

/** Shapes of one list of properties: bits of a mask mean nothing beside another list. */
interface ShapesOfNames {
  readonly texts: MemberTexts;
  readonly byAfter: Map<FieldMask, Shape[]>;
}

/** The frames of one event: each shape is encoded once, whoever it is for. */
export class EventShapes {
  readonly #entry: ObjectEntry;
  readonly #settings: CloudEventSettings;
  readonly #byNames = new Map<readonly string[], ShapesOfNames>();
  /** How many shapes were encoded. */
  encoded = 0;

  constructor(entry: ObjectEntry, settings: CloudEventSettings) {
    this.#entry = entry;
    this.#settings = settings;
  }

  /** The frame of this event for a class that it was judged so for. */
  encode(viewClass: ViewClass, judgement: Judgement): Buffer {
    const { names } = viewClass.decision.reads;
    let shapes = this.#byNames.get(names);
    if (shapes === undefined) {
      const { before, after } = this.#entry.message;
      shapes = { texts: new MemberTexts(names, before, after), byAfter: new Map() };
      this.#byNames.set(names, shapes);
    }
    let bucket = shapes.byAfter.get(judgement.after);
    if (bucket === undefined) shapes.byAfter.set(judgement.after, (bucket = []));
    for (const shape of bucket) {
      if (
        shape.transition === judgement.transition &&
        shape.before === judgement.before &&
        shape.withActor === judgement.withActor &&
        shape.wire === viewClass.wire &&
        shape.table === viewClass.table
      ) {
        return shape.bytes;
      }
    }
    const bytes = this.#format(viewClass, judgement, shapes.texts);
    bucket.push({
      transition: judgement.transition,
      before: judgement.before,
      withActor: judgement.withActor,
      wire: viewClass.wire,
      table: viewClass.table,
      bytes,
    });
    return bytes;
  }

  #format({ wire, table }: ViewClass, judgement: Judgement, texts: MemberTexts): Buffer {
    this.encoded += 1;
    const id = formatEventId(this.#entry);
    const json =
      table === undefined ? this.#cloudEvent(judgement, texts) : this.#tableChange(table, judgement, texts);
    switch (wire) {
      case 'sse':
        // Messages of the tables face are told apart by their type.
        return chunk(
          sseFrame(id, table === undefined ? EVENT_NAMES[wireAction(judgement.transition)] : undefined, json),
        );
      case 'poll':
        return pollEvent(id, json);
    }
  }

  #cloudEvent({ transition, before, after, withActor }: Judgement, texts: MemberTexts): string {
    const change = {
      position: this.#entry,
      message: this.#entry.message,
      transition,
      withActor,
      object: carriesImage(transition) ? texts.object(after) : '',
      changed: transition === 'updated' ? texts.changed(before, after) : '',
    };
    return formatCloudEvent(change, this.#settings);
  }

  #tableChange(table: string, { transition, before, after }: Judgement, texts: MemberTexts): string {
    return formatTableChange({
      position: this.#entry,
      message: this.#entry.message,
      transition,
      table,
      fields: carriesImage(transition) ? texts.properties(after) : '',
      oldFields: transition === 'updated' ? texts.olderProperties(before, after) : '',
    });
  }
}
