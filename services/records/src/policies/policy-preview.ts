import { PREVIEW_LIMITS, TidewireError } from '@tidewire/contract';
import type { PreviewPolicyRequest, PrincipalPreview } from '@tidewire/contract';
import type { Clock } from '@tidewire/service-kit';
import type { StatementContext } from '../objects/object-repository.ts';
import type { Judgement, Turn } from '../rights/judgement.ts';
import { compareProfile, comparisonKey, governedSchemas, viewWithPolicy } from './compared-rights.ts';
import type { ComparedRights } from './compared-rights.ts';
import { PreviewTally } from './preview-tally.ts';
import type { PreviewSource } from './preview-source.ts';

export interface PolicyPreviewOptions {
  readonly judgement: Pick<Judgement, 'judge'>;
  readonly source: PreviewSource;
  readonly clock: Clock;
}

/** Who would gain and lose what. */
export interface Preview {
  readonly principals: readonly PrincipalPreview[];
  readonly unchanged: number;
  readonly truncated: boolean;
}

/** The answer fits into a message of the bus, whatever it holds. */
const MAX_CHARACTERS = 1_500_000;
/** How many profiles are compared before others get a turn. */
const BATCH = 20;

/**
 * What a policy would change, by the same decisions in SQL that lists are made by: under the policy there is and under the
 * new one, over the rows of one snapshot. Nothing is written.
 */
export class PolicyPreview {
  readonly #options: PolicyPreviewOptions;

  constructor(options: PolicyPreviewOptions) {
    this.#options = options;
  }

  /**
   * Exact for everybody who is in the answer or counted as unchanged; whom there was no time for is neither, and the
   * answer is `truncated`.
   *
   * @throws TidewireError NOT_FOUND when there is no such register or schema.
   */
  async preview(request: PreviewPolicyRequest): Promise<Preview> {
    const { judgement, clock, source } = this.#options;
    const until = clock.monotonic() + PREVIEW_LIMITS.timeoutMs;
    const leftMs = (): number => until - clock.monotonic();
    return await judgement.judge(null, async (turn) => {
      // Before the snapshot: what is compared is then confirmed against it, and stands whatever comes later.
      const compared = await compareAll(turn, request, leftMs);
      return await source.inSnapshot(leftMs, async (snapshot) => {
        await turn.confirm(snapshot.barrier);
        const tally = new PreviewTally();
        let isTimeOver = false;
        for (const { schema, register, comparison, principals } of compared.differing) {
          if (isTimeOver) {
            tally.skip(principals);
            continue;
          }
          const owners = principals.filter((id) => id !== null);
          const context = contextOf(turn, schema, register);
          const found = await snapshot.compare(context, { ...comparison, owners });
          if (found === undefined) {
            isTimeOver = true;
            tally.skip(principals);
          } else {
            tally.add(schema.table, { ...found, principals, properties: comparison.properties });
          }
        }
        tally.skip(compared.skipped);
        return result(tally, request);
      });
    });
  }
}

interface Compared {
  readonly differing: readonly ComparedRights[];
  /** Whom there was no time for. */
  readonly skipped: readonly (string | null)[];
}

/** Comparisons that are the same are made once; those that concern most come first. */
async function compareAll(
  turn: Turn,
  request: PreviewPolicyRequest,
  leftMs: () => number,
): Promise<Compared> {
  const governed = governedSchemas(turn.view, request);
  if (governed === undefined) throw new TidewireError('NOT_FOUND', 'Not found.');
  const views = { before: turn.view, after: viewWithPolicy(turn.view, request) };
  const { register } = governed;
  const byKey = new Map<string, ComparedRights>();
  let done = 0;
  for (const profile of request.profiles) {
    if (done > 0 && done % BATCH === 0) {
      // The rights were read for nothing when they change meanwhile: whoever confirms them notices.
      await new Promise((resolve) => setImmediate(resolve));
      if (leftMs() <= 0) break;
    }
    for (const schema of governed.schemas) {
      for (const one of compareProfile(views, profile, { schema, register }, request.action)) {
        const key = `${schema.id} ${comparisonKey(one.comparison)}`;
        const same = byKey.get(key);
        if (same === undefined) byKey.set(key, one);
        else same.principals.push(...one.principals);
      }
    }
    done += 1;
  }
  const differing = [...byKey.values()].toSorted((a, b) => b.principals.length - a.principals.length);
  return { differing, skipped: request.profiles.slice(done).flatMap(({ principals }) => principals) };
}

function contextOf(
  turn: Turn,
  schema: ComparedRights['schema'],
  register: ComparedRights['register'],
): StatementContext {
  const place = {
    schema: schema.id,
    register: register.id,
    schemaSlug: schema.slug,
    registerSlug: register.slug,
  };
  return { place, concerned: turn.concerned, tenants: null, nowMs: turn.nowMs };
}

function result(tally: PreviewTally, { profiles }: PreviewPolicyRequest): Preview {
  const asked = profiles.flatMap(({ principals }) => principals);
  const principals: PrincipalPreview[] = [];
  let unchanged = 0;
  let truncated = false;
  let characters = 0;
  for (const id of asked) {
    const preview = tally.previewOf(id);
    if (preview === 'skipped') truncated = true;
    else if (preview === 'unchanged') unchanged += 1;
    else {
      characters += JSON.stringify(preview).length;
      if (characters <= MAX_CHARACTERS) principals.push(preview);
      else truncated = true;
    }
  }
  return { principals, unchanged, truncated };
}
