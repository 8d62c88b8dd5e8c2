import { CHANGE_OPERATIONS } from './changes.ts';
import { CONNECTION_OPERATIONS } from './connections.ts';
import { AUDIT_OPERATIONS } from './audit.ts';
import { CREDENTIAL_OPERATIONS } from './credentials.ts';
import { DEVICE_OPERATIONS } from './devices.ts';
import { DOCUMENTATION_OPERATIONS } from './documentation.ts';
import { EXPLAIN_OPERATIONS } from './explain.ts';
import { GRAPHQL_OPERATIONS } from './graphql.ts';
import { GRAPHQL_STREAM_OPERATIONS } from './graphql-streams.ts';
import { GROUP_OPERATIONS } from './groups.ts';
import { ISSUER_OPERATIONS } from './issuers.ts';
import { LIVE_PAGE_OPERATIONS } from './live-pages.ts';
import { NEXTCLOUD_OPERATIONS } from './nextcloud.ts';
import { OBJECT_OPERATIONS } from './objects.ts';
import type { Operation } from './operation.ts';
import { ORGANISATION_OPERATIONS } from './organisations.ts';
import { POLICY_OPERATIONS } from './policies.ts';
import { PRINCIPAL_OPERATIONS } from './principals.ts';
import { PUSH_OPERATIONS } from './push.ts';
import { REALTIME_OPERATIONS } from './realtime.ts';
import { REGISTER_OPERATIONS } from './registers.ts';
import { SCHEMA_OPERATIONS } from './schemas.ts';
import { SESSION_OPERATIONS } from './sessions.ts';
import { TABLE_STREAM_OPERATIONS } from './table-streams.ts';
import { TABLE_OPERATIONS } from './tables.ts';
import { WEBHOOK_OPERATIONS } from './webhooks.ts';

/** Every operation of every service. A new route is one row in a file of this folder. */
export const OPERATIONS = [
  ...OBJECT_OPERATIONS,
  ...TABLE_OPERATIONS,
  ...GRAPHQL_OPERATIONS,
  ...REALTIME_OPERATIONS,
  ...TABLE_STREAM_OPERATIONS,
  ...GRAPHQL_STREAM_OPERATIONS,
  ...CONNECTION_OPERATIONS,
  ...CHANGE_OPERATIONS,
  ...PUSH_OPERATIONS,
  ...DEVICE_OPERATIONS,
  ...WEBHOOK_OPERATIONS,
  ...NEXTCLOUD_OPERATIONS,
  ...REGISTER_OPERATIONS,
  ...SCHEMA_OPERATIONS,
  ...CREDENTIAL_OPERATIONS,
  ...SESSION_OPERATIONS,
  ...PRINCIPAL_OPERATIONS,
  ...ORGANISATION_OPERATIONS,
  ...GROUP_OPERATIONS,
  ...POLICY_OPERATIONS,
  ...AUDIT_OPERATIONS,
  ...ISSUER_OPERATIONS,
  ...EXPLAIN_OPERATIONS,
  ...LIVE_PAGE_OPERATIONS,
  ...DOCUMENTATION_OPERATIONS,
] as const satisfies readonly Operation[];

/** The `operationId` of one of {@link OPERATIONS}. */
export type OperationId = (typeof OPERATIONS)[number]['id'];
