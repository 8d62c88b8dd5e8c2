/**
 * Comparing jsonb numbers as doubles without a cast. A stored number is a decimal of any length and counts as the
 * double next to it, as in JavaScript. Which decimals become a double, or a larger one, is a question of where they lie
 * between the doubles: an interval of exact decimals, which PostgreSQL compares as they are stored. Casts cost more, and
 * raise errors on what is no number or none that a double holds.
 */
export interface NumberInterval {
  readonly low: NumberBound;
  readonly high: NumberBound;
}

interface NumberBound {
  /** An exact decimal. */
  readonly at: string;
  readonly included: boolean;
}

/** The stored numbers that meet the comparison; for `ne` there are two intervals. `value` is finite. */
export function numberIntervals(
  op: 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte',
  value: number,
): readonly NumberInterval[] {
  const low = boundBelow(value);
  const high = boundAbove(value);
  switch (op) {
    case 'eq':
      return [{ low, high }];
    case 'ne':
      return [
        { low: LOWEST, high: complement(low) },
        { low: complement(high), high: HIGHEST },
      ];
    case 'gt':
      return [{ low: complement(high), high: HIGHEST }];
    case 'gte':
      return [{ low, high: HIGHEST }];
    case 'lt':
      return [{ low: LOWEST, high: complement(low) }];
    case 'lte':
      return [{ low: LOWEST, high }];
  }
}

/** Where the decimals begin that round to the value: half-way numbers go to the even neighbour. */
function boundBelow(value: number): NumberBound {
  const { at, included } = boundAbove(-value);
  return { at: at.startsWith('-') ? at.slice(1) : `-${at}`, included };
}

function boundAbove(value: number): NumberBound {
  if (value < 0) {
    const { at, included } = boundTowardsZero(-value);
    return { at: `-${at}`, included };
  }
  const { mantissa, exponent } = partsOf(value);
  return { at: decimal(2n * mantissa + 1n, exponent - 1), included: mantissa % 2n === 0n };
}

/** The lower end of a positive value's interval. */
function boundTowardsZero(value: number): NumberBound {
  const { mantissa, exponent } = partsOf(value);
  // Below a power of two the doubles lie twice as close, except among the smallest ones.
  const isPower = mantissa === 2n ** 52n && exponent > SMALLEST_EXPONENT;
  const at = isPower ? decimal(4n * mantissa - 1n, exponent - 2) : decimal(2n * mantissa - 1n, exponent - 1);
  return { at, included: mantissa % 2n === 0n };
}

function complement({ at, included }: NumberBound): NumberBound {
  return { at, included: !included };
}

/** Of the doubles next to zero. */
const SMALLEST_EXPONENT = -1074;

/** `value = mantissa * 2 ** exponent`, for a finite value from 0. */
function partsOf(value: number): { mantissa: bigint; exponent: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const all = bits.getBigUint64(0) & 0x7fff_ffff_ffff_ffffn;
  const fraction = all & (2n ** 52n - 1n);
  const biased = Number(all >> 52n);
  return biased === 0
    ? { mantissa: fraction, exponent: SMALLEST_EXPONENT }
    : { mantissa: fraction + 2n ** 52n, exponent: biased - 1075 };
}

/** `factor * 2 ** exponent`, written out. */
function decimal(factor: bigint, exponent: number): string {
  if (exponent >= 0) return (factor << BigInt(exponent)).toString();
  // 2 ** -n is 5 ** n / 10 ** n.
  const digits = (factor * 5n ** BigInt(-exponent)).toString().padStart(1 - exponent, '0');
  const point = digits.length + exponent;
  return `${digits.slice(0, point)}.${digits.slice(point)}`.replace(/0+$/, '');
}

/** From here on a number has no double but infinity, which equals and exceeds nothing. */
export const OVERFLOW = decimal(2n ** 54n - 1n, 970);
const HIGHEST: NumberBound = { at: OVERFLOW, included: false };
const LOWEST: NumberBound = { at: `-${OVERFLOW}`, included: false };
