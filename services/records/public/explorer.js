/* global GraphiQL, React, ReactDOM, graphqlSse */

/* Popovers put a style sheet into the page while they are open: what makes it asks for the nonce here. */
globalThis.__webpack_nonce__ = document.currentScript.nonce;

addEventListener('DOMContentLoaded', () => {
  const container = document.getElementById('explorer');
  const { operations, subscriptions } = container.dataset;
  const fetcher = GraphiQL.createFetcher({
    url: operations,
    // Subscribes as a WebSocket client does.
    wsClient: graphqlSse.createClient({ url: subscriptions, retryAttempts: 10 }),
  });
  const explorer = React.createElement(GraphiQL, {
    fetcher,
    defaultEditorToolsVisibility: 'variables',
    defaultQuery: '# Queries, mutations and subscriptions, with your session.\n{\n  __typename\n}\n',
  });
  ReactDOM.createRoot(container).render(explorer);
});
