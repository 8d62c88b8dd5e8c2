import { expect, test } from 'vitest';
import type { ReadableCatalogue, ReadableSchema } from './readable-catalogue.ts';
import { formatTypeModule } from './type-module.ts';

function schemaOf(members: Partial<ReadableSchema>): ReadableSchema {
  return {
    slug: 'orders',
    table: 'orders',
    register: 'sales',
    title: '',
    description: '',
    properties: {},
    required: [],
    hasRules: true,
    ...members,
  };
}

const EXAMPLE: ReadableCatalogue = {
  registers: [
    { slug: 'sales', title: 'Sales', description: '' },
    { slug: 'empty-one', title: '', description: '' },
  ],
  schemas: [
    schemaOf({
      title: 'Orders',
      description: 'What was asked for.',
      properties: {
        total: { type: 'number' },
        status: { type: 'string', enum: ['new', 'processing'], description: 'Where it is.' },
        note: { type: 'string', authorization: { read: ['managers'] } },
        customer: { type: 'string', authorization: { update: ['managers'] } },
      },
      required: ['status', 'note', 'customer'],
    }),
    schemaOf({ slug: 'invoices', table: 'sales-invoices', properties: { paid: { type: 'boolean' } } }),
    schemaOf({ slug: 'invoices', table: 'invoices', register: 'archive' }),
  ],
};

const HEADER = `// Made by \`tidewire types\` from the schemas of a server. Do not change it, make it again:
//   npx tidewire types --url URL --out FILE
// With --check the same command fails where FILE is not what the server says now.
`;

test('a catalogue is a module of types, and a field that a rule may hide is optional though it is required', () => {
  expect(formatTypeModule(EXAMPLE)).toBe(`${HEADER}
/** A record of \`invoices\` (register \`archive\`). */
export interface Invoices {}

/**
 * A record of \`orders\` (register \`sales\`).
 *
 * Orders
 *
 * What was asked for.
 */
export interface Orders {
  customer: string;
  note?: string;
  /** Where it is. */
  status: 'new' | 'processing';
  total?: number;
}

/** A record of \`sales-invoices\` (register \`sales\`, schema \`invoices\`). */
export interface SalesInvoices {
  paid?: boolean;
}

/** Every table that the token may read, by the name it is asked for with. */
export interface Tables {
  invoices: Invoices;
  orders: Orders;
  'sales-invoices': SalesInvoices;
}

/** Registers and their schemas, by slug: what topics name. */
export interface Registers {
  archive: {
    invoices: Invoices;
  };
  'empty-one': {};
  /** Sales */
  sales: {
    invoices: SalesInvoices;
    orders: Orders;
  };
}
`);
});

test('the order in which a server tells things changes nothing', () => {
  const { registers, schemas } = EXAMPLE;
  const turned = schemas.map((schema) => ({
    ...schema,
    properties: Object.fromEntries(Object.entries(schema.properties).toReversed()),
    required: schema.required.toReversed(),
  }));
  expect(formatTypeModule({ registers: registers.toReversed(), schemas: turned.toReversed() })).toBe(
    formatTypeModule(EXAMPLE),
  );
});

test('who is not told the rules gets no field that is always there, and the module says why', () => {
  const schema = schemaOf({
    properties: { status: { type: 'string' } },
    required: ['status'],
    hasRules: false,
  });
  const text = formatTypeModule({ registers: [], schemas: [schema] });
  expect(text).toContain('  status?: string;\n');
  expect(text).toContain('\n// Made without the rules of properties');
});
