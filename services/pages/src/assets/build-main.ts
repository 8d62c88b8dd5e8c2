import { builtFolder, writeApps } from './built-apps.ts';
import { bundleApps } from './bundle-apps.ts';

await writeApps(await bundleApps(), builtFolder);
