import { livePageListSchema, livePageSchema } from '../live-page.ts';
import { pagePathSchema } from '../presence.ts';
import type { Operation } from './operation.ts';

const shared = { service: 'pages', tag: 'pages', method: 'GET', authentication: 'none' } as const;

/** `/api/pages`: definitions, which hold no data. What a page shows, its reader asks for with rights of their own. */
export const LIVE_PAGE_OPERATIONS = [
  {
    ...shared,
    id: 'listPages',
    path: '/api/pages',
    summary: 'List live pages',
    description: 'In the order of the file that defines them, with what is wrong with it, if anything is.',
    answers: {
      200: {
        description: 'All pages.',
        schema: livePageListSchema,
        example: { pages: [{ name: 'orders', path: '/orders', title: 'Orders' }], faults: [] },
      },
    },
  },
  {
    ...shared,
    id: 'getPage',
    path: '/api/pages/definition',
    summary: 'Read the definition of a live page',
    parameters: [
      {
        name: 'path',
        in: 'query',
        required: true,
        schema: pagePathSchema,
        description: 'Path of the page.',
        example: '/orders',
      },
    ],
    answers: {
      200: {
        description: 'The page.',
        schema: livePageSchema,
        example: {
          name: 'orders',
          path: '/orders',
          title: 'Orders',
          presence: true,
          components: [
            {
              type: 'dataTable',
              dataSource: { table: 'orders', refreshMode: 'realtime' },
              edit: true,
            },
          ],
        },
      },
    },
    errors: ['VALIDATION_ERROR', 'NOT_FOUND'],
  },
] as const satisfies readonly Operation[];
