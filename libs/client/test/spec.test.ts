import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LINK_EVENTS, LINK_PHASES, createLinkMachine, stepLink } from '../src/link/link-state.ts';
import type { LinkEvent, LinkMachine } from '../src/link/link-state.ts';
import { REFRESH_MODES, SOURCE_STATES } from '../src/sources/source.ts';
import { SOURCE_EVENTS, createSourceMachine, stepSource } from '../src/sources/source-state.ts';
import type { SourceMachine } from '../src/sources/source-state.ts';

interface Row {
  readonly from: string;
  readonly event: string;
  readonly condition: string;
  readonly to: string;
  readonly actions: string;
}

const spec = readFileSync(join(import.meta.dirname, '..', 'SPEC.md'), 'utf8');

function readTable(name: string): readonly Row[] {
  const [, text = ''] = new RegExp(`<!-- ${name}:begin -->([^]*)<!-- ${name}:end -->`).exec(spec) ?? [];
  return text
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => {
      const [, from = '', event = '', condition = '', to = '', actions = ''] = line
        .split('|')
        .map((cell) => cell.trim());
      return { from, event, condition, to, actions };
    });
}

const flags = [false, true];
const AROUND = { now: 1000, random: 0.5 };

/** What applies to a step; empty: the page does not name it. */
function applying(
  rows: readonly Row[],
  state: { readonly phase: string },
  event: string,
  holds: (condition: string) => boolean,
): readonly Row[] {
  return rows.filter(
    (row) =>
      (row.from === state.phase || row.from === 'any') &&
      row.event === event &&
      (row.condition === '' || holds(row.condition)),
  );
}

describe('the link', () => {
  const rows = readTable('link');
  const used = new Set<Row>();
  const around = { ...AROUND, silenceMs: [40_000, 20_000, 60_000] };

  function* machines(phase: LinkMachine['phase']): Generator<LinkMachine> {
    const online = phase === 'idle' || phase === 'refused' ? flags : [phase !== 'offline'];
    for (const on of online)
      for (const rung of [0, 1, 2])
        for (const proven of flags)
          for (const rungFailures of [0, 1])
            for (const denials of phase === 'connecting' ? [-1, 0, 2] : [-1])
              yield {
                ...createLinkMachine(on, 3),
                phase,
                rung,
                rungFailures,
                renewed: denials >= 0,
                denials: Math.max(0, denials),
                failures: 1,
                deadline: 5000,
                proven: [proven, proven, proven],
              };
  }

  function condition(state: LinkMachine, event: LinkEvent): (name: string) => boolean {
    const once = state.proven[state.rung] === true && state.rungFailures === 0;
    const patient = !once && event.retryAfterMs !== undefined;
    const known: Readonly<Record<string, boolean>> = {
      'online': state.online,
      'no network': !state.online,
      'once more here': once,
      'asked to wait': patient,
      'a rung below': !once && !patient && state.rung < 2,
      'no rung below': !once && !patient && state.rung === 2,
      'first credential': !state.renewed,
      'new credential': state.renewed && state.denials < 2,
      'third new credential': state.renewed && state.denials === 2,
      'further up': (event.rung ?? 0) < state.rung,
    };
    return (name) => {
      expect(Object.keys(known)).toContain(name);
      return known[name] === true;
    };
  }

  const events: LinkEvent[] = LINK_EVENTS.flatMap((name): LinkEvent[] => {
    if (name === 'better') return [0, 1, 2].map((rung) => ({ name, rung }));
    return name === 'lost' ? [{ name }, { name, retryAfterMs: 9000 }] : [{ name }];
  });

  test.for(LINK_PHASES.flatMap((phase) => events.map((event) => [phase, event] as const)))(
    'in %s %o does what the page says, and nothing where it says nothing',
    ([phase, event]) => {
      for (const state of machines(phase)) {
        const known = { ...state, online: event.name === 'online' ? true : state.online };
        if (phase === 'refused' && event.name === 'reconnect' && !state.online) continue;
        const found = applying(rows, state, event.name, condition(known, event));
        const step = stepLink(state, event, around);
        if (phase === 'closed') {
          expect(step.state.phase).toBe('closed');
          continue;
        }
        expect(found.length, JSON.stringify({ state, event })).toBeLessThanOrEqual(1);
        for (const row of found) used.add(row);
        expect(step.state.phase, JSON.stringify({ state, event })).toBe(found[0]?.to ?? phase);
        expect(step.actions.join(', ')).toBe(found[0]?.actions ?? '');
      }
    },
  );

  test('every row of the page was used', () => {
    expect(rows.filter((row) => !used.has(row))).toEqual([]);
  });

  test.for([...LINK_PHASES])('in %s there is a deadline exactly where time can pass in vain', (phase) => {
    for (const state of machines(phase)) {
      for (const event of events) {
        const { state: next } = stepLink({ ...state, deadline: waits(phase) ? 5000 : null }, event, around);
        expect(next.deadline !== null, `${phase} ${event.name}`).toBe(waits(next.phase));
      }
    }
  });

  function waits(phase: string): boolean {
    return ['authorizing', 'connecting', 'live', 'silent', 'waiting'].includes(phase);
  }
});

describe('a source', () => {
  const rows = readTable('source');
  const used = new Set<Row>();
  const around = { ...AROUND, pollIntervalMs: 30_000 };

  function* machines(phase: SourceMachine['phase']): Generator<SourceMachine> {
    const phases: Readonly<Record<string, readonly string[]>> = {
      behind: ['realtime'],
      live: ['realtime'],
      refreshing: ['realtime'],
      settled: ['static'],
      polling: ['poll', 'realtime'],
    };
    for (const mode of REFRESH_MODES) {
      if (phases[phase]?.includes(mode) === false) continue;
      for (const listing of ['loading', 'refreshing', 'polling', 'settled'].includes(phase) ? flags : [false])
        for (const again of listing ? flags : [false])
          for (const up of phase === 'live' ? [true] : mode === 'realtime' ? flags : [false])
            for (const exhausted of flags)
              for (const filled of phase === 'idle' ? flags : [phase !== 'loading' && phase !== 'failed'])
                yield { ...createSourceMachine(mode), phase, listing, again, up, exhausted, filled };
    }
  }

  function condition(state: SourceMachine): (name: string) => boolean {
    const { mode, listing, again, up, exhausted, filled } = state;
    const arrives = !again;
    const idle = state.phase === 'idle';
    const known: Readonly<Record<string, boolean>> = {
      'empty': !filled,
      'rows, static': filled && mode === 'static',
      'rows, poll': filled && mode === 'poll',
      'rows, ladder works': filled && mode === 'realtime' && !exhausted,
      'rows, ladder does not': filled && mode === 'realtime' && exhausted,
      'asked again': again,
      'static': arrives && mode === 'static',
      'poll': arrives && mode === 'poll',
      'stream is current': arrives && up && mode === 'realtime',
      'ladder works': arrives && !up && !exhausted && mode === 'realtime',
      'ladder does not': arrives && !up && exhausted && mode === 'realtime' && !idle,
      'no list under way': !listing,
      'list under way': listing,
      'realtime, list': mode === 'realtime' && listing,
      'realtime, no list': mode === 'realtime' && !listing,
    };
    return (name) => {
      expect(Object.keys(known)).toContain(name);
      return known[name] === true;
    };
  }

  test.for(SOURCE_STATES.flatMap((phase) => SOURCE_EVENTS.map((event) => [phase, event] as const)))(
    'in %s %s does what the page says, and nothing where it says nothing',
    ([phase, event]) => {
      for (const state of machines(phase)) {
        if (!possible(state, event)) continue;
        const found = applying(rows, state, event, condition(state));
        const step = stepSource(state, event, around);
        if (phase === 'closed') {
          expect(step.state.phase).toBe('closed');
          continue;
        }
        expect(found.length, JSON.stringify({ state, event })).toBeLessThanOrEqual(1);
        for (const row of found) used.add(row);
        expect(step.state.phase, JSON.stringify({ state, event })).toBe(found[0]?.to ?? phase);
        expect(step.actions.join(', ')).toBe(found[0]?.actions ?? '');
      }
    },
  );

  /** What comes of a list comes only while one is under way; a stream speaks only where something is subscribed to. */
  function possible({ phase, mode, listing, up }: SourceMachine, event: string): boolean {
    if ((phase === 'loading' || phase === 'idle') && up) return false;
    if (['listed', 'unlisted'].includes(event) && !['idle', 'failed', 'closed'].includes(phase))
      return listing;
    if (phase === 'loading' || phase === 'idle') return true;
    if (['current', 'resync', 'ended', 'interrupted'].includes(event)) return mode === 'realtime';
    return true;
  }

  test('every row of the page was used', () => {
    expect(rows.filter((row) => !used.has(row))).toEqual([]);
  });
});
