/** How slugs and property names become names of GraphQL: letters, digits and `_`, not beginning with a digit or with `__`. */

/** `meldingen-register` -> `MeldingenRegister`. A slug that begins with a digit gets `_` in front. */
export function pascalCase(slug: string): string {
  const text = wordsOf(slug)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
  return beginWell(text);
}

/** `meldingen-register` -> `meldingenRegister`. */
export function camelCase(slug: string): string {
  const text = wordsOf(slug)
    .map((word, index) => (index === 0 ? word : word.slice(0, 1).toUpperCase() + word.slice(1)))
    .join('');
  return beginWell(text);
}

/**
 * One of what a slug names many of, without a dictionary: `-ies` becomes `-y`, and `-en`, `-es` after a hiss, and `-s` are
 * taken away. The same text where none of this applies.
 */
export function singularOf(name: string): string {
  const [, kept, ending] = /^(.{2,}?)(ies|en|s)$/.exec(name) ?? [];
  if (kept === undefined || (kept.endsWith('s') && ending === 's')) return name;
  if (ending === 'ies') return `${kept}y`;
  return ending === 's' && /(?:ss|sh|ch|x|z)e$/.test(kept) ? kept.slice(0, -1) : kept;
}

/**
 * A property's name as a field's: every other character becomes `_`. Two properties may become one name. One of which
 * nothing is left is `_property`: numbers behind it must not make `__2`, which GraphQL keeps to itself.
 */
export function fieldName(property: string): string {
  const name = beginWell(property.replaceAll(/\W/g, '_').replace(/^_+/, '_'));
  return name === '_' ? '_property' : name;
}

/** The first of `name`, `name_2`, `name_3`, ... that is not taken, which it is from here on. */
export function claimName(name: string, taken: Set<string>): string {
  let free = name;
  for (let count = 2; taken.has(free); count += 1) free = `${name}_${count}`;
  taken.add(free);
  return free;
}

function wordsOf(slug: string): string[] {
  return slug.split(/[^0-9A-Za-z]+/).filter((word) => word !== '');
}

function beginWell(name: string): string {
  return /^[A-Za-z_]/.test(name) ? name : `_${name}`;
}
