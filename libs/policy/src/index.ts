export { decideAccess, type AccessRequest } from './decide-access.ts';
export {
  DENIED,
  type Decision,
  type Denied,
  type FieldMask,
  type Granted,
  type PropertyRights,
} from './decision.ts';
export { sameJson } from './json-equality.ts';
export { hasField, intersectMasks, maskNames, maskOf } from './property-rights.ts';
export { entersDecision } from './enters-decision.ts';
export { explainAccess, explainRules } from './explain-access.ts';
export { concernsSubscription, NO_CHANGE, type RightsChange } from './rights-change.ts';
export { hasEnded, RightsView, type Authentication, type HoldResult } from './rights-view.ts';
export { policyProblems, type CompiledRule, type SchemaRules } from './schema-rules.ts';
export { describeNames, ruledNames } from './ruled-names.ts';
export { scopeAllows, topicRows } from './scope.ts';
export { projectedFields } from './sql-fields.ts';
export { MAX_ANCESTORS, tenantChain } from './tenant-chain.ts';
export { viewClassKey, type ViewClass } from './view-class-key.ts';
export {
  isVisibleAt,
  meetsFilter,
  ownerRows,
  passesAsOwner,
  passesRules,
  projectFields,
  projectRow,
  readableOnAnyRow,
  seesActor,
  visibleFields,
  visibleFieldsDuring,
  visibleRows,
  wasVisibleDuring,
} from './visibility.ts';
export { changedFields, checkWrite, type Write, type WriteVerdict } from './write-check.ts';
