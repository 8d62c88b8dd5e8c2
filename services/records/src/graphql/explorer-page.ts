import { GRAPHQL_PATHS } from '@tidewire/contract';
import { EXPLORER_FILES } from './explorer-files.ts';

/** The page of the explorer, and what it may do. */
export interface ExplorerPage {
  readonly html: string;
  /** Content security policy: everything is from this origin, and nothing stands in the page itself. */
  readonly policy: string;
}

/** @param nonce for this answer only: style sheets that GraphiQL's popovers make while they are open have it. */
export function renderExplorer(nonce: string): ExplorerPage {
  const names = [...EXPLORER_FILES.keys()];
  const at = (name: string): string => `${GRAPHQL_PATHS.explorer}/${name}`;
  const styles = names.filter((name) => name.endsWith('.css'));
  const scripts = names.filter((name) => name.endsWith('.js'));
  const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Tidewire: GraphQL</title>
    <link rel="icon" href="/icon.svg" type="image/svg+xml" />
    ${styles.map((name) => `<link rel="stylesheet" href="${at(name)}" />`).join('\n    ')}
    ${scripts.map((name) => `<script defer nonce="${nonce}" src="${at(name)}"></script>`).join('\n    ')}
  </head>
  <body>
    <div id="explorer" data-operations="${GRAPHQL_PATHS.operations}" data-subscriptions="${GRAPHQL_PATHS.subscriptions}"></div>
    <noscript>The explorer is a program: it needs JavaScript.</noscript>
  </body>
</html>
`;
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    // GraphiQL's style sheet carries its fonts.
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { html, policy };
}
