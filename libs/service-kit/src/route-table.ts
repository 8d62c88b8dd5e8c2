/** Remembers which methods each path takes, so that a wrong method is answered 405 and not 404. */
export interface RouteTable {
  add(method: string, pattern: string): void;
  /** Methods that the path takes, sorted; empty when it matches no pattern. */
  methodsFor(path: string): string[];
}

export function createRouteTable(): RouteTable {
  const methodsByPattern = new Map<string, { expression: RegExp; methods: Set<string> }>();
  return {
    add(method, pattern) {
      const entry = methodsByPattern.get(pattern) ?? { expression: compile(pattern), methods: new Set() };
      methodsByPattern.set(pattern, entry);
      entry.methods.add(method);
    },
    methodsFor(path) {
      const matching = [...methodsByPattern.values()].filter(({ expression }) => expression.test(path));
      return [...new Set(matching.flatMap(({ methods }) => [...methods]))].toSorted();
    },
  };
}

/** `:name` is one segment and a final `*` is any rest; the forms that routes of this project use. */
function compile(pattern: string): RegExp {
  const source = pattern
    .split('/')
    .map((segment) => {
      if (segment === '*') return '.*';
      // `a:name` and `:name` both hold a parameter; a literal colon is written `::`.
      return segment
        .split(/(?<!:):(?!:)[A-Za-z0-9_]+/)
        .map((literal) => literal.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
        .join('[^/]+');
    })
    .join('/');
  return new RegExp(`^${source}$`);
}
