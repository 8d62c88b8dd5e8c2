import type { z } from 'zod';
import {
  jsonValueSchema,
  objectTypeSchema,
  propertyNameSchema,
  propertySchema,
  registerSchema,
} from '../catalogue.ts';
import { connectionSchema } from '../connection.ts';
import * as definition from '../definition.ts';
import { deviceSchema, quietHoursSchema } from '../device.ts';
import * as directory from '../directory.ts';
import { eventDataSchema } from '../cloud-event.ts';
import * as audit from '../audit.ts';
import { handshakesSchema, topicFilterSchema } from '../client-message.ts';
import { eventIdSchema } from '../event-id.ts';
import * as explain from '../explain.ts';
import { graphqlErrorSchema } from '../graphql.ts';
import * as graphql from '../graphql-request.ts';
import { principalIdSchema, slugSchema, uuidSchema } from '../identifier.ts';
import * as issuer from '../issuer.ts';
import * as livePage from '../live-page.ts';
import { MESSAGES } from '../message-catalogue.ts';
import { groupNameSchema, nameSchema } from '../name.ts';
import { nextcloudUserSchema } from '../nextcloud.ts';
import { notificationSchema, ocsDoneSchema, ocsMetaSchema } from '../notification.ts';
import { actorSchema, objectImageSchema, writtenObjectSchema } from '../object.ts';
import * as policy from '../policy.ts';
import * as preview from '../policy-preview.ts';
import { presentUserSchema } from '../presence.ts';
import * as principal from '../principal.ts';
import { errorCodeSchema, fieldErrorSchema } from '../problem.ts';
import * as session from '../session.ts';
import * as table from '../table.ts';
import { changedRecordSchema, recordFieldsSchema, tableChangeSchema } from '../table-message.ts';
import { sortTypeSchema } from '../sort-type.ts';
import { countSchema, resyncReasonSchema } from '../stream.ts';
import { timestampSchema } from '../time.ts';
import * as token from '../token.ts';
import { topicKindSchema, topicSchema } from '../topic.ts';
import * as webhook from '../webhook.ts';
import { livenessSchema, readinessSchema } from './documentation.ts';
import { objectBodySchema } from './objects.ts';

/** `object` would hide what languages call so themselves. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['object', 'register-object'],
  ['object-list', 'register-object-list'],
]);

const messages = Object.entries(MESSAGES)
  .filter(([, { audience }]) => audience === 'public')
  .map(([name, { schema }]): [string, z.ZodType] => [pascalCase(OTHER_NAMES.get(name) ?? name), schema]);

/**
 * Schemas that documents refer to by name, wherever they stand. What is not here is written out where it stands, which a
 * test allows for small things only.
 */
export const COMPONENT_SCHEMAS: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  ...messages,
  ['WrittenObject', writtenObjectSchema],
  ['GraphqlRequest', graphql.graphqlRequestSchema],
  ['GraphqlAnswer', graphql.graphqlAnswerSchema],
  ['GraphqlError', graphqlErrorSchema],
  ['Uuid', uuidSchema],
  ['Slug', slugSchema],
  ['Reference', definition.referenceSchema],
  ['PrincipalId', principalIdSchema],
  ['EventId', eventIdSchema],
  ['Timestamp', timestampSchema],
  ['Topic', topicSchema],
  ['TopicKind', topicKindSchema],
  ['Name', nameSchema],
  ['GroupName', groupNameSchema],
  ['JsonValue', jsonValueSchema],
  ['ErrorCode', errorCodeSchema],
  ['ResyncReason', resyncReasonSchema],
  ['FieldError', fieldErrorSchema],
  ['EventData', eventDataSchema],
  ['Actor', actorSchema],
  ['ObjectImage', objectImageSchema],
  ['ObjectBody', objectBodySchema],
  ['ChangedRecord', changedRecordSchema],
  ['RecordFields', recordFieldsSchema],
  ['TableChange', tableChangeSchema],
  ['Handshakes', handshakesSchema],
  ['TopicFilter', topicFilterSchema],
  ['SortType', sortTypeSchema],
  ['TableActor', table.tableActorSchema],
  ['TableFields', table.tableFieldsSchema],
  ['TablePagination', table.tablePaginationSchema],
  ['TableNewRecord', table.tableNewRecordSchema],
  ['TableRecordPatch', table.tableRecordPatchSchema],
  ['TableBatchCreate', table.tableBatchCreateSchema],
  ['TableBatchPatch', table.tableBatchPatchSchema],
  ['TableBatchDelete', table.tableBatchDeleteSchema],
  ['TableBatchRestore', table.tableBatchRestoreSchema],
  ['TableUpsert', table.tableUpsertSchema],
  ['Webhook', webhook.webhookSchema],
  ['WebhookFilter', webhook.webhookFilterSchema],
  ['WebhookHeaders', webhook.webhookHeadersSchema],
  ['WebhookCounts', webhook.webhookCountsSchema],
  ['WebhookPage', webhook.webhookPageSchema],
  ['NewWebhook', webhook.newWebhookSchema],
  ['WebhookPatch', webhook.webhookPatchSchema],
  ['CreatedWebhook', webhook.createdWebhookSchema],
  ['WebhookSecret', webhook.webhookSecretSchema],
  ['WebhookTest', webhook.webhookTestSchema],
  ['WebhookDelivery', webhook.webhookDeliverySchema],
  ['WebhookDeliveryPage', webhook.webhookDeliveryPageSchema],
  ['Device', deviceSchema],
  ['QuietHours', quietHoursSchema],
  ['Notification', notificationSchema],
  ['OcsMeta', ocsMetaSchema],
  ['OcsDone', ocsDoneSchema],
  ['NextcloudUser', nextcloudUserSchema],
  ['Count', countSchema],
  ['PresentUser', presentUserSchema],
  ['EventExplanation', explain.eventExplanationSchema],
  ['SubscriptionExplanation', explain.subscriptionExplanationSchema],
  ['AccessExplanation', explain.accessExplanationSchema],
  ['PropertyExplanation', explain.propertyExplanationSchema],
  ['ExplanationStep', explain.explanationStepSchema],
  ['ExplanationStepName', explain.explanationStepNameSchema],
  ['RuleReference', explain.ruleReferenceSchema],
  ['ExplainedPrincipal', explain.explainedPrincipalSchema],
  ['Liveness', livenessSchema],
  ['Readiness', readinessSchema],
  ['PropertyName', propertyNameSchema],
  ['Property', propertySchema],
  ['PropertyWithRules', definition.propertyWithRulesSchema],
  ['Properties', definition.propertiesSchema],
  ['RegisterState', registerSchema],
  ['SchemaState', objectTypeSchema],
  ['Register', definition.registerViewSchema],
  ['RegisterList', definition.registerListSchema],
  ['NewRegister', definition.newRegisterSchema],
  ['RegisterPatch', definition.registerPatchSchema],
  ['Schema', definition.schemaViewSchema],
  ['SchemaList', definition.schemaListSchema],
  ['NewSchema', definition.newSchemaSchema],
  ['SchemaPatch', definition.schemaPatchSchema],
  ['Match', policy.matchSchema],
  ['Rule', policy.ruleSchema],
  ['Authorization', policy.authorizationSchema],
  ['PropertyAuthorization', policy.propertyAuthorizationSchema],
  ['Role', policy.roleSchema],
  ['PolicyState', policy.policySchema],
  ['Policy', directory.policyViewSchema],
  ['PolicyPage', directory.policyPageSchema],
  ['PolicyContent', directory.policyContentSchema],
  ['PolicyTarget', directory.policyTargetSchema],
  ['PreviewRows', preview.previewRowsSchema],
  ['PrincipalPreview', preview.principalPreviewSchema],
  ['PreviewAction', preview.previewActionSchema],
  ['AuditKind', audit.auditKindSchema],
  ['AuditResync', audit.auditResyncSchema],
  ['GroupMembership', principal.groupMembershipSchema],
  ['Scopes', principal.scopesSchema],
  ['OrganisationState', principal.organisationSchema],
  ['Organisation', directory.organisationViewSchema],
  ['OrganisationPage', directory.organisationPageSchema],
  ['NewOrganisation', directory.newOrganisationSchema],
  ['OrganisationPatch', directory.organisationPatchSchema],
  ['PrincipalState', principal.principalSchema],
  ['Principal', directory.principalViewSchema],
  ['PrincipalPage', directory.principalPageSchema],
  ['NewMembership', directory.newMembershipSchema],
  ['NewMemberships', directory.newMembershipsSchema],
  ['NewPrincipal', directory.newPrincipalSchema],
  ['PrincipalPatch', directory.principalPatchSchema],
  ['Group', directory.groupSchema],
  ['GroupPage', directory.groupPageSchema],
  ['CredentialState', principal.credentialSchema],
  ['Credential', token.credentialViewSchema],
  ['Caller', token.callerSchema],
  ['NewToken', token.newTokenSchema],
  ['CreatedToken', token.createdTokenSchema],
  ['TokenEntry', token.tokenEntrySchema],
  ['TokenPage', token.tokenPageSchema],
  ['Login', session.loginSchema],
  ['NewPassword', session.newPasswordSchema],
  ['SessionEntry', session.sessionEntrySchema],
  ['SessionPage', session.sessionPageSchema],
  ['Issuer', issuer.issuerSchema],
  ['IssuerPage', issuer.issuerPageSchema],
  ['TokenAlgorithm', issuer.tokenAlgorithmSchema],
  ['IssuerClaims', issuer.issuerClaimsSchema],
  ['NewIssuer', issuer.newIssuerSchema],
  ['IssuerPatch', issuer.issuerPatchSchema],
  ['IssuerIdentity', issuer.issuerIdentitySchema],
  ['IssuerIdentityPage', issuer.issuerIdentityPageSchema],
  ['NewIdentity', issuer.newIdentitySchema],
  ['AccessToken', issuer.accessTokenEntrySchema],
  ['AccessTokenPage', issuer.accessTokenPageSchema],
  ['Connection', connectionSchema],
  ['LivePage', livePage.livePageSchema],
  ['LivePageList', livePage.livePageListSchema],
  ['LivePageSource', livePage.livePageSourceSchema],
  ['LivePageFilter', livePage.livePageFilterSchema],
  ['LivePageSort', livePage.livePageSortSchema],
  ['LivePageColumn', livePage.livePageColumnSchema],
  ['DataTable', livePage.dataTableSchema],
]);

function pascalCase(name: string): string {
  return name.replaceAll(/(^|-)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase());
}
