import { join } from 'node:path';

/** The two tenants of the demo. */
export const DEMO_ORGANISATIONS = {
  a: { id: '7f3b2a10-0000-4000-8000-00000000000a', slug: 'gemeente-a', name: 'Gemeente A' },
  b: { id: '7f3b2a10-0000-4000-8000-00000000000b', slug: 'gemeente-b', name: 'Gemeente B' },
} as const;

const { a, b } = DEMO_ORGANISATIONS;

/** Of everybody in the demo, `admin` too. */
export const DEMO_PASSWORD = 'demo';

/** The demo's people besides `admin`. Tokens are `demo-{id}`. */
export const DEMO_PRINCIPALS = [
  { id: 'alice', name: 'Alice', organisation: a.id, groups: ['behandelaars'] },
  { id: 'bob', name: 'Bob', organisation: a.id, groups: [] },
  { id: 'carol', name: 'Carol', organisation: b.id, groups: ['behandelaars'] },
] as const;

const handlers = ['behandelaars'];

/** Handlers read every row of their organisation, other members only what is not confidential. */
const caseRules = {
  read: ['behandelaars', { group: 'authenticated', match: { status: { $ne: 'vertrouwelijk' } } }],
  create: ['authenticated'],
  update: handlers,
  delete: handlers,
};

const openRules = {
  read: ['authenticated'],
  create: ['authenticated'],
  update: ['authenticated'],
  delete: handlers,
};

/** A short text that says something. */
const titel = { type: 'string', minLength: 1, maxLength: 200 };

/** One of the states, the first of which is a new row's. */
function statusOf(...states: readonly [string, ...string[]]): object {
  return { type: 'string', enum: states, default: states[0] };
}

const meldingen = {
  slug: 'meldingen',
  title: 'Meldingen',
  required: ['titel'],
  authorization: caseRules,
  properties: {
    titel,
    omschrijving: { type: 'string', maxLength: 10_000 },
    status: statusOf('nieuw', 'in_behandeling', 'afgehandeld', 'vertrouwelijk'),
    prioriteit: { type: 'integer', minimum: 1, maximum: 5 },
    melderEmail: { type: 'string', format: 'email', authorization: { read: handlers } },
  },
};

const besluiten = {
  slug: 'besluiten',
  title: 'Besluiten',
  required: ['titel'],
  authorization: caseRules,
  properties: {
    titel,
    toelichting: { type: 'string', maxLength: 10_000 },
    status: statusOf('concept', 'genomen', 'gepubliceerd', 'vertrouwelijk'),
    datum: { type: 'string', format: 'date' },
    // What is decided about. Only the register that has such a schema has the relation.
    melding: { type: 'string', format: 'uuid', relation: 'meldingen' },
  },
};

const orders = {
  slug: 'orders',
  title: 'Orders',
  required: ['customer'],
  authorization: openRules,
  properties: {
    customer: { type: 'string', minLength: 1, maxLength: 200 },
    status: statusOf('new', 'processing', 'shipped', 'delivered', 'cancelled'),
    total: { type: 'number', minimum: 0 },
    priority: { type: 'string', enum: ['low', 'normal', 'high'] },
  },
};

const inventory = {
  slug: 'inventory',
  title: 'Inventory',
  required: ['sku'],
  authorization: openRules,
  properties: {
    sku: { type: 'string', minLength: 1, maxLength: 64 },
    name: { type: 'string', maxLength: 200 },
    stock: { type: 'integer', minimum: 0 },
    warehouse: { type: 'string', maxLength: 100 },
  },
};

const strikes = {
  slug: 'strikes',
  title: 'Wildlife strikes',
  required: ['date', 'airport'],
  authorization: openRules,
  properties: {
    date: { type: 'string', format: 'date' },
    airport: { type: 'string' },
    state: { type: 'string' },
    aircraft: { type: 'string' },
    operator: { type: 'string' },
    phase: { type: 'string' },
    timeOfDay: { type: 'string' },
    species: { type: 'string' },
    size: { type: 'string', enum: ['Small', 'Medium', 'Large'] },
    damage: { type: 'string', enum: ['None', 'Minor', 'Medium', 'Substantial'] },
    speedKnots: { type: 'integer', minimum: 0 },
    costTotal: { type: 'integer', minimum: 0, authorization: { read: handlers } },
    stage: statusOf('archived', 'reported', 'assessed'),
  },
};

/** Registers and their schemas, as the public API takes them. */
export const DEMO_REGISTERS = [
  { slug: 'meldingen-register', title: 'Meldingen en besluiten', schemas: [meldingen, besluiten] },
  { slug: 'meldingen', title: 'Meldingen', schemas: [meldingen] },
  { slug: 'besluiten', title: 'Besluiten', schemas: [besluiten] },
  { slug: 'shop', title: 'Shop', schemas: [orders, inventory] },
  { slug: 'wildlife', title: 'Wildlife strikes, FAA', schemas: [strikes] },
] as const;

/** Rows that each organisation begins with: path, who writes them, bodies. */
export const DEMO_ROWS = [
  {
    path: 'meldingen-register/meldingen',
    principal: 'alice',
    rows: [
      {
        titel: 'Losse stoeptegel',
        omschrijving: 'Voor de bakker',
        status: 'nieuw',
        prioriteit: 3,
        melderEmail: 'jan@example.org',
      },
      {
        titel: 'Lantaarnpaal kapot',
        status: 'in_behandeling',
        prioriteit: 2,
        melderEmail: 'piet@example.org',
      },
      {
        titel: 'Klacht over medewerker',
        status: 'vertrouwelijk',
        prioriteit: 5,
        melderEmail: 'anoniem@example.org',
      },
    ],
  },
  {
    path: 'meldingen-register/meldingen',
    principal: 'bob',
    rows: [{ titel: 'Zwerfvuil in het park', status: 'nieuw', prioriteit: 1 }],
  },
  {
    path: 'meldingen-register/meldingen',
    principal: 'carol',
    rows: [
      { titel: 'Gat in de weg', status: 'nieuw', prioriteit: 4, melderEmail: 'kees@example.org' },
      { titel: 'Integriteitsmelding', status: 'vertrouwelijk', prioriteit: 5 },
    ],
  },
  {
    path: 'meldingen-register/besluiten',
    principal: 'alice',
    rows: [{ titel: 'Vergunning terras', status: 'genomen', datum: '2026-03-21' }],
  },
  {
    path: 'meldingen/meldingen',
    principal: 'alice',
    rows: [{ titel: 'Boom omgewaaid', status: 'nieuw', prioriteit: 4 }],
  },
  {
    path: 'besluiten/besluiten',
    principal: 'carol',
    rows: [{ titel: 'Verkeersbesluit', status: 'gepubliceerd' }],
  },
  {
    path: 'shop/orders',
    principal: 'alice',
    rows: [
      { customer: 'Jansen', status: 'processing', total: 120.5, priority: 'normal' },
      { customer: 'De Vries', status: 'new', total: 40, priority: 'high' },
    ],
  },
  {
    path: 'shop/inventory',
    principal: 'carol',
    rows: [{ sku: 'BOLT-8', name: 'Bolt M8', stock: 1200, warehouse: 'Zwolle' }],
  },
] as const;

/** Where the data set lies; its source and licence are named in the README beside it. */
export const DEMO_DATA_SET = join(import.meta.dirname, '..', 'data', 'wildlife-strikes.csv');

/** The data set's cells as properties of a strike. */
export function strikeOf(row: Readonly<Record<string, unknown>>, stage: string): Record<string, unknown> {
  const { speedKnots, costTotal, ...texts } = row;
  return {
    ...texts,
    ...(speedKnots === '' || speedKnots === undefined ? {} : { speedKnots: Number(speedKnots) }),
    costTotal: Number(costTotal ?? 0),
    stage,
  };
}
