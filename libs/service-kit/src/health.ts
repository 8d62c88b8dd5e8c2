/** `true`, or a short reason why not, for `/readyz`. Never a secret, an address or a name of a principal. */
export type Readiness = true | string;

/** Collects what a service needs before it can be of use. */
export interface Health {
  /** Adds a condition. The check is called at each probe and must be cheap and not throw. */
  add(name: string, check: () => Readiness): void;
  /** `true` when every condition holds, otherwise `name: reason` of the first that does not. */
  ready(): Readiness;
}

/** A {@link Health} without conditions, which is ready. */
export function createHealth(): Health {
  const checks: { name: string; check: () => Readiness }[] = [];
  return {
    add: (name, check) => void checks.push({ name, check }),
    ready() {
      for (const { name, check } of checks) {
        const answer = check();
        if (answer !== true) return `${name}: ${answer}`;
      }
      return true;
    },
  };
}
