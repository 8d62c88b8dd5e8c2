/** Loaded into a process before its program (`node --import`): replaces one function of it, so that it does wrong. */
import { registerHooks } from 'node:module';
import { SABOTAGED, SABOTAGES } from './sabotages.ts';
import type { SabotageName } from './sabotages.ts';

const { module, source } = SABOTAGES[process.env['ORACLE_SABOTAGE'] as SabotageName];
const REPLACED = 'sabotage:replaced';
let real = '';

registerHooks({
  resolve: (specifier, context, next) => {
    const isOurs = context.parentURL === REPLACED;
    const resolved = next(specifier, isOurs ? { ...context, parentURL: real } : context);
    if (isOurs || !(specifier === module || resolved.url.endsWith(module))) return resolved;
    real = resolved.url;
    return { url: REPLACED, format: 'module', shortCircuit: true };
  },
  load: (url, context, next) => {
    if (url !== REPLACED) return next(url, context);
    process.stdout.write(`${SABOTAGED}\n`);
    const address = JSON.stringify(real);
    return {
      format: 'module',
      shortCircuit: true,
      source: `import * as real from ${address};\nexport * from ${address};\n${source}`,
    };
  },
});
