#!/usr/bin/env node
// `npx tidewire ...`: the command line of this checkout, on the Node that it pins.
process.argv.splice(2, 0, 'cli/src/main.ts');
await import('../../scripts/with-node.mjs');
