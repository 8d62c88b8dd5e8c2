import { html } from '../documentation/markup.ts';
import type { Markup } from '../documentation/markup.ts';
import type { AppEntry } from './app-bundle.ts';

/** Where files of a bundle are served. */
export const ASSETS_PATH = '/assets';

/** The page that an app draws itself into. Neither script nor style stands in it. */
export function renderShell(title: string, { script, preloads, styles }: AppEntry): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/palette.css" />
        ${styles.map((name) => html`<link rel="stylesheet" href="${ASSETS_PATH}/${name}" />`)}
        ${preloads.map((name) => html`<link rel="modulepreload" href="${ASSETS_PATH}/${name}" />`)}
        <script type="module" src="${ASSETS_PATH}/${script}"></script>
      </head>
      <body>
        <div id="app"></div>
        <noscript>This page needs JavaScript.</noscript>
      </body>
    </html>`;
}
