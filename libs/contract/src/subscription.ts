import { z } from 'zod';

/**
 * How a client calls a subscription on its connection. One that the client does not name is called after its table, or
 * its topic.
 */
export const subscriptionIdSchema = z
  .string()
  .min(1)
  .max(128)
  .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');
