import { OBJECT_OPERATIONS } from './objects.ts';
import type { Operation } from './operation.ts';
import { REALTIME_OPERATIONS } from './realtime.ts';

/** Every operation of every service. A new route is one row in a file of this folder. */
export const OPERATIONS = [
  ...OBJECT_OPERATIONS,
  ...REALTIME_OPERATIONS,
] as const satisfies readonly Operation[];

/** The `operationId` of one of {@link OPERATIONS}. */
export type OperationId = (typeof OPERATIONS)[number]['id'];
