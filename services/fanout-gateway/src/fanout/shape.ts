import type { Transition } from '@tidewire/contract';
import type { FieldMask } from '@tidewire/policy';
import type { Wire } from '../delivery/connection.ts';
import { formatSseEvent } from '../formats/cloud-event.ts';
import type { CloudEventSettings, VisibleChange } from '../formats/cloud-event.ts';
import { chunk } from '../formats/sse.ts';
import type { Judgement } from './judge.ts';
import { MemberTexts } from './project.ts';
import type { ObjectEntry } from './subscription.ts';
import type { ViewClass } from './view-class.ts';

/** One way an event looks on the wire, shared by all classes to which it looks so. */
interface Shape {
  readonly transition: Transition;
  readonly before: FieldMask;
  readonly withActor: boolean;
  readonly wire: Wire;
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
        shape.wire === viewClass.wire
      ) {
        return shape.bytes;
      }
    }
    const bytes = this.#format(viewClass.wire, judgement, shapes.texts);
    bucket.push({
      transition: judgement.transition,
      before: judgement.before,
      withActor: judgement.withActor,
      wire: viewClass.wire,
      bytes,
    });
    return bytes;
  }

  #format(wire: Wire, judgement: Judgement, texts: MemberTexts): Buffer {
    this.encoded += 1;
    const { transition, before, after, withActor } = judgement;
    const change: VisibleChange = {
      position: this.#entry,
      message: this.#entry.message,
      transition,
      withActor,
      object: transition === 'left' || transition === 'deleted' ? '' : texts.object(after),
      changed: transition === 'updated' ? texts.changed(before, after) : '',
    };
    switch (wire) {
      case 'sse':
        return chunk(formatSseEvent(change, this.#settings));
    }
  }
}
