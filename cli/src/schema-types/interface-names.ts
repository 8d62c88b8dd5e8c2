/** What the module itself declares. */
const OWN_NAMES = ['Tables', 'Registers'];

/**
 * Global types of the language and of browsers whose name is one word, as that of a slug may be. A program that forgets to
 * import `Document` would be checked against another type without a word.
 */
export const GLOBAL_NAMES: ReadonlySet<string> = new Set(
  `Algorithm Animatable Animation Array Atomics Attr Awaited Blob Body Boolean Cache Capitalize Clipboard Comment Console
  Credential Crypto Date Disposable Document Element Error Event Exclude External Extract File Function Gamepad Generator
  Geolocation Headers Highlight History Intl Iterable Iterator Keyframe Location Lock Lowercase Map Math Navigation Navigator
  Node Notification Number Object Omit Parameters Partial Performance Permissions Pick Plugin Promise Range Readonly Record
  Reflect Report Request Required Response Sanitizer Scheduler Screen Selection Set Slottable Storage String Symbol Temporal
  Text Touch Transferable Transformer Uncapitalize Uppercase Window Worker Worklet`.split(/\s+/),
);

/**
 * The name of each table's interface: its slug in PascalCase, with `_` in front of a digit, and with `Record` behind what is a
 * global type's name. Where several tables would have one name, those that come later in the alphabet get a number.
 */
export function nameInterfaces(tables: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set(OWN_NAMES);
  const names = new Map<string, string>();
  for (const table of [...new Set(tables)].toSorted()) {
    const plain = pascalCase(table);
    const wanted = GLOBAL_NAMES.has(plain) || OWN_NAMES.includes(plain) ? `${plain}Record` : plain;
    let name = wanted;
    for (let count = 2; taken.has(name); count += 1) name = `${wanted}${count}`;
    taken.add(name);
    names.set(table, name);
  }
  return names;
}

function pascalCase(slug: string): string {
  const words = slug.split(/[^0-9a-z]+/);
  const name = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
  return /^[0-9]/.test(name) ? `_${name}` : name;
}
