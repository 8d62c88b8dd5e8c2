import { EVENT_NAMES, formatEventId } from '@tidewire/contract';
import { fitsLeaf } from '@tidewire/graphql';
import type { EventSelection } from '@tidewire/graphql';
import { hasField } from '@tidewire/policy';
import type { FieldMask } from '@tidewire/policy';
import { carriesImage } from '@tidewire/rights';
import { formatCloudEvent, wireAction } from '../formats/cloud-event.ts';
import type { CloudEventSettings } from '../formats/cloud-event.ts';
import { formatGraphqlResult } from '../formats/graphql-result.ts';
import type { PropertyField, SelectedValue } from '../formats/graphql-result.ts';
import { formatTableChange } from '../formats/table-message.ts';
import { WIRES } from '../formats/wire.ts';
import type { Judgement } from './judge.ts';
import { MemberTexts } from './project.ts';
import type { ObjectEntry } from './subscription.ts';
import type { ViewClass } from './view-class.ts';

/** One text of an event, shared by all classes to which it reads so, and its frames by wire and subscription. */
interface Shape {
  readonly judgement: Judgement;
  readonly table: string | undefined;
  readonly sort: string;
  /** Key of what is selected; empty: what the face tells. */
  readonly selection: string;
  readonly text: string;
  readonly frames: Map<string, Buffer>;
}

/** Shapes of one list of properties: bits of a mask mean nothing beside another list. */
interface ShapesOfNames {
  readonly texts: MemberTexts;
  readonly byAfter: Map<FieldMask, Shape[]>;
}

/** The frames of one event: each text is made once, and each frame of it, whoever it is for. */
export class EventShapes {
  readonly #entry: ObjectEntry;
  readonly #settings: CloudEventSettings;
  readonly #id: string;
  readonly #byNames = new Map<readonly string[], ShapesOfNames>();
  /** How many frames were encoded. */
  encoded = 0;

  constructor(entry: ObjectEntry, settings: CloudEventSettings) {
    this.#entry = entry;
    this.#settings = settings;
    this.#id = formatEventId(entry);
  }

  /** The frame of this event for a class that it was judged so for. */
  encode(viewClass: ViewClass, judgement: Judgement): Buffer {
    const { frames, text } = this.#shapeOf(viewClass, judgement);
    let bytes = frames.get(viewClass.frameKey);
    if (bytes === undefined) {
      this.encoded += 1;
      bytes = this.#frame(viewClass, judgement, text);
      frames.set(viewClass.frameKey, bytes);
    }
    return bytes;
  }

  #shapeOf(viewClass: ViewClass, judgement: Judgement): Shape {
    const { decision, table, sort } = viewClass;
    const { names } = decision.reads;
    let shapes = this.#byNames.get(names);
    if (shapes === undefined) {
      const { before, after } = this.#entry.message;
      shapes = { texts: new MemberTexts(names, before, after), byAfter: new Map() };
      this.#byNames.set(names, shapes);
    }
    let bucket = shapes.byAfter.get(judgement.after);
    if (bucket === undefined) shapes.byAfter.set(judgement.after, (bucket = []));
    const order = sort?.text ?? '';
    const selection = viewClass.selection?.key ?? '';
    for (const shape of bucket) {
      if (shape.table !== table || shape.sort !== order || shape.selection !== selection) continue;
      if (looksSame(shape.judgement, judgement)) return shape;
    }
    const text = this.#text(viewClass, judgement, shapes.texts);
    const shape = { judgement, table, sort: order, selection, text, frames: new Map<string, Buffer>() };
    bucket.push(shape);
    return shape;
  }

  #frame({ wire, subscription, table }: ViewClass, { transition }: Judgement, text: string): Buffer {
    const id = this.#id;
    return table === undefined
      ? WIRES[wire].event({ id, event: EVENT_NAMES[wireAction(transition)], json: text }, subscription)
      : WIRES[wire].change({ id, members: text }, subscription);
  }

  #text({ selection, table, sort, decision }: ViewClass, judgement: Judgement, texts: MemberTexts): string {
    if (selection !== undefined) return this.#result(selection, decision, judgement, texts);
    return table === undefined
      ? this.#cloudEvent(judgement, texts)
      : this.#tableChange(table, sort, judgement, texts);
  }

  #result(
    selection: EventSelection,
    { reads }: ViewClass['decision'],
    { transition, before, after }: Judgement,
    texts: MemberTexts,
  ): string {
    const property = ({ name, leaf }: PropertyField): SelectedValue => {
      const index = reads.names.indexOf(name);
      if (index === -1 || !hasField(after, index)) return { kind: 'forbidden' };
      if (!fitsLeaf(leaf, texts.value(index))) return { kind: 'unfit' };
      return { kind: 'text', text: texts.valueText(index) };
    };
    return formatGraphqlResult({
      position: this.#entry,
      message: this.#entry.message,
      transition,
      selection,
      image: carriesImage(transition) ? { system: (name) => texts.systemText(name), property } : undefined,
      changed: transition === 'updated' ? texts.changedNames(before, after) : [],
    });
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

  #tableChange(
    table: string,
    sort: ViewClass['sort'],
    { transition, before, after, sortable }: Judgement,
    texts: MemberTexts,
  ): string {
    const shown = carriesImage(transition);
    return formatTableChange({
      position: this.#entry,
      message: this.#entry.message,
      transition,
      table,
      fields: shown ? texts.properties(after) : '',
      oldFields: transition === 'updated' ? texts.olderProperties(before, after) : '',
      times: shown ? texts.recordTimes() : '',
      sortKey: shown && sort !== undefined ? texts.sortKey(sort.terms, sortable) : '',
    });
  }
}

/** The masks after the event were compared before. */
function looksSame(one: Judgement, other: Judgement): boolean {
  return (
    one.transition === other.transition &&
    one.before === other.before &&
    one.sortable === other.sortable &&
    one.withActor === other.withActor
  );
}
