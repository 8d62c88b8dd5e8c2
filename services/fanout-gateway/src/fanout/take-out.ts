/** Takes an item out of an unordered list: the last one takes its place. Says whether it was there. */
export function takeOut<T>(list: T[], item: T): boolean {
  const index = list.indexOf(item);
  if (index < 0) return false;
  const last = list.pop();
  if (last !== undefined && index < list.length) list[index] = last;
  return true;
}
