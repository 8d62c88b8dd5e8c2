/** A file that browsers may keep for ever: its name changes with its content. */
export interface AssetFile {
  readonly type: string;
  readonly body: Buffer;
}
/** What the HTML of an app loads, as names of {@link AppBundle.files}. */
export interface AppEntry {
  readonly script: string;
  /** Scripts that it imports, so that the browser asks for them at once. */
  readonly preloads: readonly string[];
  readonly styles: readonly string[];
}
/** Apps by name, with everything that they may load by file name. */
export interface AppBundle {
  readonly apps: ReadonlyMap<string, AppEntry>;
  readonly files: ReadonlyMap<string, AssetFile>;
}
