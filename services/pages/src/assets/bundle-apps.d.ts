import type { AppBundle } from './app-bundle.ts';
/** Apps that there are: folders of `app/` with a `main.tsx`. */
export declare function listApps(folder?: string): readonly string[];
/**
 * Every app as scripts that browsers can load, split where it imports dynamically, and its style sheets. Takes some 0.3 s.
 *
 * @throws Error that says what does not fit together, and in which file.
 */
export declare function bundleApps(folder?: string): Promise<AppBundle>;
