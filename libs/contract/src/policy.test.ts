import { expect, test } from 'vitest';
import { authorizationSchema, propertyAuthorizationSchema, ruleSchema } from './policy.ts';

test('a misspelt condition is refused instead of granting without one', () => {
  expect(ruleSchema.safeParse({ group: 'members', match: { status: 'open' } }).success).toBe(true);
  expect(ruleSchema.safeParse({ group: 'members', mach: { status: 'open' } }).success).toBe(false);
});

test('a misspelt action is refused instead of leaving the action to its default', () => {
  expect(authorizationSchema.safeParse({ reed: ['members'] }).success).toBe(false);
  expect(propertyAuthorizationSchema.safeParse({ write: ['members'] }).success).toBe(false);
});
