/** Where subscribers connect to. */
export interface Gateway {
  readonly name: string;
  readonly url: string;
  /** The furthest position that anybody has heard from it since it started. */
  reached: number;
}

/** What is known of a gateway that is one of several: what is known of all of them. */
export function anyOf(gateways: readonly Gateway[]): Gateway {
  const [only] = gateways;
  if (gateways.length === 1 && only !== undefined) return only;
  return {
    name: 'any gateway',
    url: '',
    get reached() {
      return Math.min(...gateways.map(({ reached }) => reached));
    },
    set reached(_position) {
      // Whose it is nobody knows.
    },
  };
}
