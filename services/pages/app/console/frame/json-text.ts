/** A value of an event or a policy on one line, cut where it is longer than anybody reads there. */
export function shortJson(value: unknown, longest = 160): string {
  const text = value === undefined ? 'absent' : JSON.stringify(value);
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}
