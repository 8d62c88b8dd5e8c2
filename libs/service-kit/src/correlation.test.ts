import { expect, test } from 'vitest';
import { readCorrelation } from './correlation.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

test('goes on with a valid correlation id and trace, with a span of its own', () => {
  const given = { 'x-correlation-id': 'order-7', 'traceparent': `00-${TRACE}-b7ad6b7169203331-00` };
  const { correlationId, traceparent } = readCorrelation(given);
  expect(correlationId).toBe('order-7');
  expect(traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  expect(traceparent).not.toContain('b7ad6b7169203331');
});

test.each([
  ['nothing', {}],
  ['line breaks', { 'x-correlation-id': 'a\nb', 'traceparent': 'x' }],
  [
    'a giant',
    { 'x-correlation-id': 'a'.repeat(129), 'traceparent': `00-${TRACE.repeat(2)}-b7ad6b7169203331-00` },
  ],
  ['zeros', { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` }],
])('begins new ones when given %s', (_what, headers) => {
  const { correlationId, traceparent } = readCorrelation(headers);
  expect(correlationId).toMatch(/^[0-9a-f-]{36}$/);
  expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(traceparent).not.toContain(TRACE);
});
