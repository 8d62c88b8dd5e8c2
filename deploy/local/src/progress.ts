/** The part of a terminal or pipe that progress is written to. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Tells the person who started us what happens, step by step. */
export interface Progress {
  /**
   * Runs one step. Its line appears when it is done, with what `describe` says about the result and how long it
   * took; meanwhile a terminal shows what is being waited for. Steps may run at the same time.
   */
  step<T>(title: string, work: () => Promise<T>, describe?: (result: T) => string): Promise<T>;
  /** A remark of a step: something that takes long, or went another way than usual. */
  note(text: string): void;
  /** Something went wrong but is being dealt with. */
  warn(text: string): void;
  /** Text as it is, above what is being waited for. */
  print(text: string): void;
  /** Paints text where the stream shows colours, and leaves it alone elsewhere. */
  readonly paint: Paint;
}

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  accent(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_INTERVAL_MS = 80;
const TITLE_WIDTH = 14;
const DEFAULT_COLUMNS = 80;
/** Carriage return, and erase to the end of the line. */
const CLEAR_LINE = '\r\u001b[K';

interface ProgressOptions {
  readonly stream: ProgressStream;
  /** Colours, and a line that moves: only for a terminal, and not where NO_COLOR is set. */
  readonly plain?: boolean;
  /** Milliseconds, from any beginning. */
  readonly now?: () => number;
}

/** On a terminal: coloured, with a line that moves. Anywhere else: one plain line per fact. */
export function createProgress({ stream, plain, now = () => performance.now() }: ProgressOptions): Progress {
  const lively = plain !== true && stream.isTTY === true;
  const paint = createPaint(lively);
  const waiting = new Set<string>();
  let frame = 0;
  let timer: NodeJS.Timeout | undefined;

  const showWaiting = (): void => {
    if (!lively || waiting.size === 0) return;
    const text = `${[...waiting].join(', ')} ...`.slice(0, (stream.columns || DEFAULT_COLUMNS) - 6);
    stream.write(`${CLEAR_LINE}  ${paint.accent(FRAMES[frame % FRAMES.length] ?? '')} ${paint.dim(text)}`);
  };
  const print = (text: string): void => {
    stream.write(`${lively ? CLEAR_LINE : ''}${text}\n`);
    showWaiting();
  };
  const changeWaiting = (change: () => void): void => {
    change();
    clearInterval(timer);
    timer = undefined;
    if (!lively) return;
    stream.write(CLEAR_LINE);
    showWaiting();
    if (waiting.size > 0) {
      timer = setInterval(() => {
        frame++;
        showWaiting();
      }, FRAME_INTERVAL_MS);
      timer.unref();
    }
  };
  const line = (mark: string, title: string, rest: string): void => {
    print(`  ${mark} ${title.padEnd(TITLE_WIDTH)} ${rest}`.trimEnd());
  };

  return {
    paint,
    print,
    note: (text) => line(paint.dim('·'), '', paint.dim(text)),
    warn: (text) => line(paint.bad('!'), '', text),
    async step(title, work, describe) {
      const from = now();
      changeWaiting(() => waiting.add(title));
      try {
        const result = await work();
        changeWaiting(() => waiting.delete(title));
        const took = paint.dim(`${((now() - from) / 1000).toFixed(1)} s`);
        const description = describe?.(result) ?? '';
        line(paint.good(lively ? '✓' : '-'), title, description === '' ? took : `${description}  ${took}`);
        return result;
      } catch (error) {
        changeWaiting(() => waiting.delete(title));
        line(paint.bad(lively ? '✗' : 'x'), title, paint.bad('failed'));
        throw error;
      }
    },
  };
}

function createPaint(colours: boolean): Paint {
  const paint =
    (code: string) =>
    (text: string): string =>
      colours ? `\u001b[${code}m${text}\u001b[0m` : text;
  return { bold: paint('1'), dim: paint('2'), accent: paint('36'), good: paint('32'), bad: paint('31') };
}
