import type { Markup } from '../documentation/markup.ts';
import type { AppEntry } from './app-bundle.ts';
/** Where files of a bundle are served. */
export declare const ASSETS_PATH = '/assets';
/** The page that an app draws itself into. Neither script nor style stands in it. */
export declare function renderShell(title: string, { script, preloads, styles }: AppEntry): Markup;
