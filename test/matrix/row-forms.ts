import { every, form, row } from './rights-table.ts';
import type { Rule, RuleForm } from './rights-table.ts';

const team = (match: Record<string, unknown>): Rule => ({ group: 'team', match });
const authenticated = (match: Record<string, unknown>): Rule => ({ group: 'authenticated', match });
const open = ['authenticated'];
/** What only reading is said of. */
const closed = { create: [], update: [], delete: [] };

/** Who the rules name: groups, pseudo groups, nobody. */
// prettier-ignore
const WHO: readonly RuleForm[] = [
  form('no rules', 'The members of the organisation that the row belongs to. Members of a child organisation read it.', {}, [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'rlcud rlcud  rlcud  c      c      rlc    c      -     -      rlcud  rl'),
    row('of the parent',           {}, 'rlc   rlc    rlc    c      rlcud  rlc    c      -     -      rlcud  rl', 'above'),
    row('of the child',            {}, 'c     c      c      c      c      rlcud  c      -     -      rlcud  -', 'below'),
    row('of another organisation', {}, 'c     c      c      rlcud  c      c      rlcud  -     -      rlcud  -', 'other'),
    row('of no organisation',      {}, 'c     c      c      c      c      c      c      -     -      rlcud  -', null),
  ]),
  form('empty list', 'Nobody but who owns the row, and administrators.', every(), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
    row('of the parent',           {}, 'o     -      -      -      -      -      -      -     -      rlcud  -', 'above'),
    row('of another organisation', {}, '-     -      -      -      -      -      -      -     -      rlcud  -', 'other'),
  ]),
  form('group', 'The group, in the organisation that the row belongs to and nowhere else.', every('team'), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('of the parent',           {}, 'o     c      -      -      rlcud  c      c      -     -      rlcud  -', 'above'),
    row('of another organisation', {}, '-     c      -      -      c      c      rlcud  -     -      rlcud  -', 'other'),
  ]),
  form('authenticated', 'Everybody with a credential, within the boundary of organisations.', every('authenticated'), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'rlcud rlcud  rlcud  c      c      rlc    c      -     -      rlcud  rl'),
    row('of the parent',           {}, 'rlc   rlc    rlc    c      rlcud  rlc    c      -     -      rlcud  rl', 'above'),
  ]),
  form('public', 'Who sends no credential reads rows of every organisation; who sends one stays within its own boundary.', every('public'), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'rlcud rlcud  rlcud  c      c      rlc    c      -     rl     rlcud  rl'),
    row('of no organisation',      {}, 'c     c      c      c      c      c      c      -     -      rlcud  -', null),
  ]),
  form('admin', 'Administrators, who pass everywhere; and who owns the row.', every('admin'), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('several rules', 'Rules of a list are alternatives: the group, or everybody where the match holds.', every('team', authenticated({ level: 3 })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 3',      { level: 3 }, 'rlcud rlcud  rlcud  c      c      rlc    c      -     -      rlcud  rl'),
    row('level 4',      { level: 4 }, 'rlud  rlcud  -      -      c      c      c      -     -      rlcud  rl'),
  ]),
];

/** What a match can say of a row; the group is always the same. */
// prettier-ignore
const OPERATORS: readonly RuleForm[] = [
  form('value', 'A value alone means that the property is equal to it.', every(team({ level: 3 })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 3',      { level: 3 }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('level 4',      { level: 4 }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
    row('no level',     {},           'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('$eq', 'Equal.', every(team({ state: { $eq: 'open' } })), [
    //                                      owner  team   member away   parent child  tenant loner nobody admin  token
    row('state open',   { state: 'open' }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('state Open',   { state: 'Open' }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('$ne', 'Not equal; what is absent is neither equal nor not.', every(team({ level: { $ne: 3 } })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 4',      { level: 4 }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('level 3',      { level: 3 }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
    row('no level',     {},           'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('$ne of another type', 'A text is neither equal to a number nor not.', every(team({ state: { $ne: 3 } })), [
    //                                      owner  team   member away   parent child  tenant loner nobody admin  token
    row('state open',   { state: 'open' }, 'oud   k      -      -      k      k      k      -     -      rlcud  k'),
  ]),
  form('$gt', 'Greater.', every(team({ level: { $gt: 3 } })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 4',      { level: 4 }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('level 3',      { level: 3 }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
    row('no level',     {},           'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('$gte', 'Greater or equal.', every(team({ level: { $gte: 3 } })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 3',      { level: 3 }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('level 2',      { level: 2 }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('$lt', 'Less; what is absent is not less.', every(team({ level: { $lt: 3 } })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 2',      { level: 2 }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('level 3',      { level: 3 }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
    row('no level',     {},           'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('$lte', 'Less or equal.', every(team({ level: { $lte: 3 } })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 3',      { level: 3 }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('level 4',      { level: 4 }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('$in', 'One of a list.', every(team({ level: { $in: [3, 5] } })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 5',      { level: 5 }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('level 4',      { level: 4 }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('$nin', 'None of a list; what is absent is no member of it, and matches nothing all the same.', every(team({ level: { $nin: [3, 5] } })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 4',      { level: 4 }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('level 5',      { level: 5 }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
    row('no level',     {},           'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('$exists true', 'There is a value.', every(team({ level: { $exists: true } })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 3',      { level: 3 }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('no level',     {},           'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('$exists false', 'There is no value.', every(team({ level: { $exists: false } })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('no level',     {},           'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('level 3',      { level: 3 }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('several operators', 'All operators of a property have to hold.', every(team({ level: { $gte: 2, $lt: 4 } })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 3',      { level: 3 }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('level 4',      { level: 4 }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
    row('level 1',      { level: 1 }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('several properties', 'All properties of a match have to match.', every(team({ level: 3, state: 'open' })), [
    //                                                    owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 3, state open', { level: 3, state: 'open' }, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('level 3, state shut', { level: 3, state: 'shut' }, 'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
];

/** What a match can say of who asks, and when. */
// prettier-ignore
const VARIABLES: readonly RuleForm[] = [
  form('$organisation', 'The organisation that one acts for: rows of a parent do not match.', every(authenticated({ _organisation: '$organisation' })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'rlcud rlcud  rlcud  c      c      c      c      -     -      rlcud  rl'),
    row('of the parent',           {}, 'rlc   c      c      c      rlcud  c      c      -     -      rlcud  -', 'above'),
  ]),
  form('$userId', 'Who asks.', every(authenticated({ assignee: '$userId' })), [
    //                                                owner  team   member away   parent child  tenant loner nobody admin  token
    row('assigned to member', { assignee: '@member' }, 'rlud  k      rlcud  k      k      k      k      -     -      rlcud  k'),
    row('assigned to nobody', {},                      'rlud  k      -      k      k      k      k      -     -      rlcud  k'),
  ]),
  form('not $userId', 'Who is nobody has no id, so nothing matches, “not” included.', every({ group: 'public', match: { assignee: { $ne: '$userId' } } }), [
    //                                                owner  team   member away   parent child  tenant loner nobody admin  token
    row('assigned to member', { assignee: '@member' }, 'rlcud rlcud  k      c      c      rlc    c      -     -      rlcud  rl'),
    row('assigned to nobody', {},                      'rlud  -      k      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('_owner', 'A rule can look at system members: here, everybody may create, and has what is its own.', every(authenticated({ _owner: '$userId' })), [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'rlcud c      c      c      c      c      c      -     -      rlcud  k'),
  ]),
  form('$now, until', 'The time of the request, or of the event.', every(team({ until: { $gt: '$now' } })), [
    //                                                       owner  team   member away   parent child  tenant loner nobody admin  token
    row('until 2999', { until: '2999-01-01T00:00:00Z' },     'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('until 2000', { until: '2000-01-01T00:00:00Z' },     'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('$now, from', 'The same the other way round.', every(team({ until: { $lte: '$now' } })), [
    //                                                       owner  team   member away   parent child  tenant loner nobody admin  token
    row('until 2000', { until: '2000-01-01T00:00:00Z' },     'oud   rlcud  -      -      c      c      c      -     -      rlcud  rl'),
    row('until 2999', { until: '2999-01-01T00:00:00Z' },     'oud   -      -      -      -      -      -      -     -      rlcud  -'),
  ]),
];

/** Rules that differ from action to action. */
// prettier-ignore
const ACTIONS: readonly RuleForm[] = [
  form('read only', 'Without a rule of its own, listing is reading. Owners change what is theirs.', { read: open, ...closed }, [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'rlud  rl     rl     k      k      rl     k      -     -      rlcud  rl'),
  ]),
  form('list, narrower than read', 'Who may read and not list asks by id, and is told of changes.', { read: open, list: ['team'], ...closed }, [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'rlud  rl     r      k      k      r      k      -     -      rlcud  rl'),
  ]),
  form('list, wider than read', 'What is listed must be readable too.', { read: ['team'], list: open, ...closed }, [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'oud   rl     -      -      k      k      k      -     -      rlcud  rl'),
  ]),
  form('drop box', 'Everybody creates, the group reads; and everybody reads what it created.', { ...closed, read: ['team'], create: open }, [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'rlcud rlc    c      c      c      c      c      -     -      rlcud  rl'),
  ]),
  form('create with a match', 'What is created has to match.', { ...closed, read: open, create: [authenticated({ state: 'new' })] }, [
    //                                      owner  team   member away   parent child  tenant loner nobody admin  token
    row('state new',    { state: 'new' },  'rlcud rlc    rlc    c      c      rlc    c      -     -      rlcud  rl'),
    row('state open',   { state: 'open' }, 'rlud  rl     rl     -      -      rl     -      -     -      rlcud  rl'),
  ]),
  form('update with a match', 'The row has to match before and after.', { ...closed, read: open, update: [team({ state: 'open' })] }, [
    //                                      owner  team   member away   parent child  tenant loner nobody admin  token
    row('state open',   { state: 'open' }, 'rlud  rlu    rl     k      k      rl     k      -     -      rlcud  rl'),
    row('state shut',   { state: 'shut' }, 'rlud  rl     rl     -      -      rl     -      -     -      rlcud  rl'),
  ]),
  form('update without read', 'A change of what one may not read is answered with its version and times.', { ...closed, read: [], update: ['team'] }, [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'oud   u      -      -      -      -      -      -     -      rlcud  -'),
  ]),
  form('delete with a match', 'The row has to match as it is.', { ...closed, read: open, delete: [team({ state: 'shut' })] }, [
    //                                      owner  team   member away   parent child  tenant loner nobody admin  token
    row('state shut',   { state: 'shut' }, 'rlud  rld    rl     k      k      rl     k      -     -      rlcud  rl'),
    row('state open',   { state: 'open' }, 'rlud  rl     rl     -      -      rl     -      -     -      rlcud  rl'),
  ]),
];

/** Rules that come from the register, and roles that it defines. */
// prettier-ignore
const REGISTER: readonly RuleForm[] = [
  form('register’s rules', 'A schema without rules goes by those of its register. The limited token is for another register.', {}, [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'oud   rlcud  -      -      c      c      c      -     -      rlcud  -'),
  ], { register: 'ruled' }),
  form('schema’s rules', 'Rules of the schema replace those of the register as a whole: what they leave out is for members.', { delete: [] }, [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'rlcud rlcu   rlcu   c      c      rlc    c      -     -      rlcud  -'),
  ], { register: 'ruled' }),
  form('roles', 'A role has the actions that the register gives it, and the groups that the schema gives it.', { roles: { reader: open, editor: ['team'] } }, [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'rlud  rlcud  rl     k      c      rlc    c      -     -      rlcud  -'),
  ], { register: 'ruled' }),
  form('unknown role', 'A role that the register does not define grants nothing; it replaces the register’s rules all the same.', { roles: { chief: open } }, [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('of the organisation',     {}, 'rlcud rlcud  rlcud  c      c      rlc    c      -     -      rlcud  -'),
  ], { register: 'ruled' }),
  form('register’s match', 'A match in the rules of a register looks at the schema’s property of that name.', {}, [
    //                                 owner  team   member away   parent child  tenant loner nobody admin  token
    row('level 3',      { level: 3 }, 'rlcud rlcud  rlcud  c      c      rlc    c      -     -      rlcud  -'),
    row('level 4',      { level: 4 }, 'rlud  -      -      -      -      -      -      -     -      rlcud  -'),
  ], { register: 'matched' }),
];

/** The rows that somebody may do something with. */
export const ROW_FORMS: readonly RuleForm[] = [...WHO, ...OPERATORS, ...VARIABLES, ...ACTIONS, ...REGISTER];
