import type { ApiClient } from '../api-client.ts';
import { formatDifference } from './line-difference.ts';
import { readCatalogue } from './readable-catalogue.ts';
import { formatTypeModule } from './type-module.ts';
import { readWhole, writeWhole } from './whole-file.ts';

/** The words of the command, as they were typed. */
export interface TypesWords {
  readonly out?: string | undefined;
  readonly check: boolean;
}

/**
 * `tidewire types`: prints the types of the tables that the token may read, writes them to a file, or compares the file with
 * them. False when the file was to be compared and is another.
 *
 * @throws Error in words for who runs it, when that could not be done. The file is what it was then.
 */
export async function typesCommand(
  api: ApiClient,
  { out, check }: TypesWords,
  print: (text: string) => void,
): Promise<boolean> {
  if (check && out === undefined)
    throw new Error('--check needs the file: tidewire types --check --out FILE');
  const text = formatTypeModule(await readCatalogue(api));
  if (out === undefined) {
    print(text);
    return true;
  }
  // A checkout may have turned the line ends into those of its system: the types are the same.
  const found = (await readWhole(out))?.replaceAll('\r\n', '\n');
  if (found === text) {
    print(`${out} is what ${api.url} says.\n`);
    return true;
  }
  if (!check) {
    await writeWhole(out, text);
    print(`${out} is written.\n`);
    return true;
  }
  print(
    found === undefined
      ? `${out} does not exist. Make it: tidewire types --out ${out}\n`
      : `${out} is not what ${api.url} says now. Make it again: tidewire types --out ${out}\n\n${formatDifference(found, text)}`,
  );
  return false;
}
