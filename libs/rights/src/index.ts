export {
  ANONYMOUS,
  actorOrganisations,
  decideRead,
  identify,
  isAdministrator,
  knowsSchema,
} from './access.ts';
export type { Identity, Reader } from './access.ts';
export { AdmissionCache, credentialKey } from './admission-cache.ts';
export type { AdmissionCacheOptions } from './admission-cache.ts';
export { admit, admitAnonymous, holdAnswer, unavailable } from './admission.ts';
export type { Admission, AdmissionOptions } from './admission.ts';
export { admitPrincipal } from './admit-principal.ts';
export { loadSnapshot } from './snapshot.ts';
export { carriesImage, decideTransition } from './transition.ts';
export type { AfterView, BeforeView } from './transition.ts';
export { isReadableOrganisation, isReadableRegister, isReadableTopic } from './topic-access.ts';
