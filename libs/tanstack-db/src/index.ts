export { tidewireCollectionOptions } from './collection-options.ts';
export type { CollectionRow, TidewireCollectionConfig, TidewireUtils } from './collection-options.ts';
