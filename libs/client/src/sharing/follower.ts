import type { LinkStatus } from '../link/link.ts';
import type { Clock } from '../runtime.ts';
import type { OwnWants, WantServer } from './own-wants.ts';
import { fromErrorData, fromStatusData, isLater } from './shared-messages.ts';
import type {
  Leadership,
  MessageOf,
  News,
  SharedBody,
  SharedMessage,
  Unaddressed,
} from './shared-messages.ts';
import type { Want, Wanter } from './want.ts';

/** How long nothing may be heard of a leader, which says that it is there every 5 s. Milliseconds. */
const SILENCE_MS = 15_000;
/** Up to as much is added to it, so that not all tabs take the lead at once. */
const SPREAD_MS = 5000;
/** How long a leader has to answer. One whose timers are throttled does so at once, one that is frozen never. */
const ANSWER_MS = 2000;

/** As long as nobody is known to lead. */
export const CONNECTING: LinkStatus = Object.freeze({
  state: 'connecting',
  transport: null,
  exhausted: false,
  retryAt: null,
  error: null,
});

interface FollowerOptions {
  readonly wants: OwnWants;
  readonly clock: Clock;
  readonly random: () => number;
  readonly post: (body: SharedBody) => void;
  /** The status changed. */
  readonly changed: () => void;
  /** Nobody answers: this tab has to lead. */
  readonly abandoned: () => void;
}

/** Is told by the leader, in another tab, what this tab wants. */
export class Follower implements WantServer {
  readonly #options: FollowerOptions;
  #leader: Leadership | undefined;
  #status = CONNECTING;
  #session = 0;
  /** How much was told in this session. */
  #heard = 0;
  /** How much was said in it. */
  #said = 0;
  #cancelWatch: (() => void) | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.wake();
    this.#watch();
  }

  get status(): LinkStatus {
    return this.#status;
  }

  /** Asks who leads, and whether anything was missed. */
  wake(): void {
    const term = this.#leader?.term ?? 0;
    this.#options.post({ type: 'find', term, session: this.#session, said: this.#said });
  }

  /** Somebody leads, later than all who did before. */
  follow({ from, term, status }: MessageOf<'here'>): void {
    this.#leader = { from, term };
    this.#watch();
    this.#setStatus(fromStatusData(status));
    this.#enter();
  }

  start(id: string, want: Want, wanter: Wanter): () => void {
    const session = this.#session;
    this.#say({ type: 'want', id, want, position: wanter.position() });
    return () => {
      if (session === this.#session) this.#say({ type: 'unwant', id });
    };
  }

  hear(message: SharedMessage): void {
    const leader = this.#leader;
    // Late words of another leader: what it tells may be told again by this one.
    if (leader === undefined || isLater(leader, message) || isLater(message, leader)) return undefined;
    switch (message.type) {
      case 'here':
        this.#watch();
        return this.#setStatus(fromStatusData(message.status));
      case 'gone':
        return this.#lose();
      case 'find':
        return this.wake();
      case 'told':
        if (message.session === this.#session && message.number !== this.#heard) this.#enter();
        return undefined;
      case 'news':
        return this.#take(message);
      default:
    }
  }

  reconnect(): void {
    const leader = this.#leader;
    // The leader's credential is refused; that of this tab may not be.
    if (this.#status.state === 'refused') this.#options.abandoned();
    else if (leader !== undefined)
      this.#options.post({ type: 'reconnect', term: leader.term, to: leader.from });
  }

  close(): void {
    this.#cancelWatch?.();
    this.#leader = undefined;
  }

  /** Whatever was told before does not count any more: everything begins anew where this tab is. */
  #enter(): void {
    this.#session += 1;
    this.#heard = 0;
    this.#say({ type: 'enter' });
    this.#said = 0;
    this.#options.wants.serveBy(this);
  }

  #lose(): void {
    this.#leader = undefined;
    this.#watch();
    this.#setStatus(CONNECTING);
    this.#options.wants.serveBy(undefined);
  }

  #take({ session, number, id, news }: MessageOf<'news'>): void {
    if (session !== this.#session) return;
    // Something was not brought to us, as to a tab that was frozen: what comes now would hide it.
    if (number !== this.#heard + 1) return this.#enter();
    this.#heard = number;
    const wanter = this.#options.wants.find(id);
    if (wanter !== undefined) tell(wanter, news);
  }

  #watch(): void {
    const { clock, random } = this.#options;
    this.#cancelWatch?.();
    this.#cancelWatch = clock.setTimeout(() => this.#doubt(), SILENCE_MS + random() * SPREAD_MS);
  }

  #doubt(): void {
    const { clock, abandoned } = this.#options;
    this.wake();
    this.#cancelWatch = clock.setTimeout(abandoned, ANSWER_MS);
    if (this.#leader !== undefined) this.#setStatus(Object.freeze({ ...this.#status, state: 'silent' }));
  }

  #say(body: Unaddressed<'enter' | 'want' | 'unwant'>): void {
    if (this.#leader === undefined) return;
    const { from, term } = this.#leader;
    this.#options.post({ ...body, term, to: from, session: this.#session });
    this.#said += 1;
  }

  #setStatus(status: LinkStatus): void {
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    this.#options.changed();
  }
}

function tell(wanter: Wanter, news: News): void {
  if ('message' in news) wanter.message(news.message);
  else if ('ended' in news) wanter.ended(fromErrorData(news.ended));
  else wanter.interrupted();
}
