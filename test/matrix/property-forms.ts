import { every, form, row } from './rights-table.ts';
import type { Rule, RuleForm } from './rights-table.ts';

const authenticated = (match: Record<string, unknown>): Rule => ({ group: 'authenticated', match });
const open = every('authenticated');

/** The property `secret` on rows that, but for the last forms, everybody within the boundary may read and write. */
// prettier-ignore
export const PROPERTY_FORMS: readonly RuleForm[] = [
  form('property without rules', 'It goes with its row.', open, [
    //                                   owner   team    member  away parent child  tenant loner nobody admin   token
    row('of the organisation',     {},   'rlcudsw rlcudsw rlcudsw cw   cw     rlcsw  cw     -     -      rlcudsw rls'),
  ], { secret: {} }),
  form('property read', 'For the group of the row’s organisation; owners are bound by rules of properties, too.', open, [
    //                                   owner   team    member  away parent child  tenant loner nobody admin   token
    row('of the organisation',     {},   'rlcudw  rlcudsw rlcudw  cw   cw     rlcw   cw     -     -      rlcudsw rls'),
    row('of the parent',           {},   'rlcw    rlcw    rlcw    cw   rlcudsw rlcw  cw     -     -      rlcudsw rl', 'above'),
  ], { secret: { read: ['team'] } }),
  form('property read, empty list', 'For administrators only.', open, [
    //                                   owner   team    member  away parent child  tenant loner nobody admin   token
    row('of the organisation',     {},   'rlcudw  rlcudw  rlcudw  cw   cw     rlcw   cw     -     -      rlcudsw rl'),
  ], { secret: { read: [] } }),
  form('property read with a match', 'Row by row.', open, [
    //                                   owner   team    member  away parent child  tenant loner nobody admin   token
    row('state open', { state: 'open' }, 'rlcudsw rlcudsw rlcudsw cw   cw     rlcsw  cw     -     -      rlcudsw rls'),
    row('state shut', { state: 'shut' }, 'rlcudw  rlcudw  rlcudw  cw   cw     rlcw   cw     -     -      rlcudsw rl'),
  ], { secret: { read: [authenticated({ state: 'open' })] } }),
  form('property read, $userId', 'For whom the row names.', open, [
    //                                                  owner   team    member  away parent child  tenant loner nobody admin   token
    row('assigned to member', { assignee: '@member' }, 'rlcudw  rlcudw  rlcudsw cw   cw     rlcw   cw     -     -      rlcudsw rl'),
  ], { secret: { read: [authenticated({ assignee: '$userId' })] } }),
  form('property update', 'For the group; it governs creation, too.', open, [
    //                                   owner   team    member  away parent child  tenant loner nobody admin   token
    row('of the organisation',     {},   'rlcuds  rlcudsw rlcuds  c    cw     rlcsw  cw     -     -      rlcudsw rls'),
  ], { secret: { update: ['team'] } }),
  form('property update, empty list', 'For administrators only.', open, [
    //                                   owner   team    member  away parent child  tenant loner nobody admin   token
    row('of the organisation',     {},   'rlcuds  rlcuds  rlcuds  c    c      rlcs   c      -     -      rlcudsw rls'),
  ], { secret: { update: [] } }),
  form('property update with a match', 'The row has to match before and after.', open, [
    //                                   owner   team    member  away parent child  tenant loner nobody admin   token
    row('state open', { state: 'open' }, 'rlcudsw rlcudsw rlcudsw cw   cw     rlcsw  cw     -     -      rlcudsw rls'),
    row('state shut', { state: 'shut' }, 'rlcuds  rlcuds  rlcuds  c    c      rlcs   c      -     -      rlcudsw rls'),
  ], { secret: { update: [authenticated({ state: 'open' })] } }),
  form('property update without read', 'A value can be given by who may not see it.', open, [
    //                                   owner   team    member  away parent child  tenant loner nobody admin   token
    row('of the organisation',     {},   'rlcud   rlcudw  rlcud   c    cw     rlcw   cw     -     -      rlcudsw rl'),
  ], { secret: { read: [], update: ['team'] } }),
  form('property of a public row', 'Who is nobody sees the row without it.', { read: ['public'], create: [], update: [], delete: [] }, [
    //                                   owner   team    member  away parent child  tenant loner nobody admin   token
    row('of the organisation',     {},   'rlud    rls     rl      k    k      rl     k      -     rl     rlcudsw rls'),
  ], { secret: { read: ['team'], update: [] } }),
  form('property of a row for the group', 'A rule of a property opens no row.', every('team'), [
    //                                   owner   team    member  away parent child  tenant loner nobody admin   token
    row('of the organisation',     {},   'ouds    rlcuds  -       -    c      c      c      -     -      rlcudsw rls'),
  ], { secret: { read: ['authenticated'], update: [] } }),
];
