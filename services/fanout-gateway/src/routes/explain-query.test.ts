import { expect, test } from 'vitest';
import { parseExplainQuery } from './explain-query.ts';
import { readQuery } from './subscription-query.ts';

const EVENT = 'evt-mwrd70tk-000000000042';
const parse = (query: string) => parseExplainQuery(readQuery(`/api/explain?${query}`), 10);

test('an event of a principal', () => {
  expect(parse(`principal=bob&event=${EVENT}`)).toEqual({
    principal: 'bob',
    about: { event: { epoch: 'mwrd70tk', sequence: 42 } },
  });
});

test('a subscription to topics, with a filter that a parameter of the explanation is no part of', () => {
  expect(parse('principal=bob&topic=register/zaken&status=nieuw&filter[principal]=x&limit=5')).toEqual({
    principal: 'bob',
    about: {
      limit: 5,
      wanted: {
        from: [{ kind: 'register', register: 'zaken' }],
        wish: {
          filter: [
            ['status', 'nieuw'],
            ['filter[principal]', 'x'],
          ],
          fields: undefined,
        },
        actions: undefined,
      },
    },
  });
});

test('a subscription to a table, of the caller', () => {
  expect(parse('table=meldingen&filter=status:eq:nieuw&fields=titel')).toEqual({
    principal: undefined,
    about: {
      limit: 1000,
      wanted: {
        from: 'meldingen',
        wish: { filter: 'status:eq:nieuw', fields: ['titel'] },
        actions: undefined,
      },
    },
  });
});

test.each([
  ['', 'Say what to explain'],
  ['principal=bob', 'Say what to explain'],
  ['topic=register/zaken&table=meldingen', 'Say what to explain'],
  ['event=evt-1', 'is not an event id'],
  [`event=${EVENT}&event=${EVENT}`, 'may be given once'],
  [`event=${EVENT}&topic=register/zaken`, "'topic' is not a parameter here"],
  [`principal=A%2EB&event=${EVENT}`, 'is not the id of a principal'],
  [`principal=&event=${EVENT}`, 'is not the id of a principal'],
  ['principal=a&principal=b&topic=register/zaken', 'may be given once'],
  ['topic=register/zaken&limit=1001', 'a whole number from 1 to 1000'],
  ['table=meldingen&timeoutMs=5', "'timeoutMs' is not a parameter here"],
  ['topic=zaken', 'is not a topic'],
])('%j is refused with what would be right', (query, message) => {
  expect(() => parse(query)).toThrow(message);
});
