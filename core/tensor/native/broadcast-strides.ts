/** Two operands seen as [rows, columns]: element (r, c) lies at r · row + c · column; the column strides are 0 or 1. */
export interface BroadcastStrides {
  readonly rows: number;
  readonly columns: number;
  readonly aRow: number;
  readonly aColumn: 0 | 1;
  readonly bRow: number;
  readonly bColumn: 0 | 1;
}

/** Neighbouring axes through which both operands run alike. */
interface Run {
  size: number;
  readonly hasA: boolean;
  readonly hasB: boolean;
}

/**
 * How to walk through two operands at once: equal shapes, a scalar, a vector on every row, a column on every row, and whatever else merges
 * into at most two axes; undefined for all others.
 * @param shape what a and b broadcast to
 */
export function broadcastStrides(
  a: readonly number[],
  b: readonly number[],
  shape: readonly number[],
): BroadcastStrides | undefined {
  const [last, first, ...others] = runs(a, b, shape);
  if (others.length > 0) return undefined;
  if (last === undefined) return { rows: 1, columns: 1, aRow: 1, aColumn: 1, bRow: 1, bColumn: 1 };
  const rowStride = (hasFirst: boolean | undefined, hasLast: boolean): number =>
    hasFirst ? (hasLast ? last.size : 1) : 0;
  return {
    rows: first?.size ?? 1,
    columns: last.size,
    aRow: rowStride(first?.hasA, last.hasA),
    aColumn: last.hasA ? 1 : 0,
    bRow: rowStride(first?.hasB, last.hasB),
    bColumn: last.hasB ? 1 : 0,
  };
}

/** From the last axis to the first; axes of length 1 are left out. */
function runs(a: readonly number[], b: readonly number[], shape: readonly number[]): Run[] {
  const found: Run[] = [];
  for (let fromEnd = 1; fromEnd <= shape.length; fromEnd++) {
    const size = shape[shape.length - fromEnd] ?? 1;
    if (size === 1) continue;
    const hasA = a[a.length - fromEnd] === size;
    const hasB = b[b.length - fromEnd] === size;
    const current = found[found.length - 1];
    if (current?.hasA === hasA && current.hasB === hasB) current.size *= size;
    else found.push({ size, hasA, hasB });
  }
  return found;
}
