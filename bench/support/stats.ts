/** Percentiles by the nearest rank: always a value that was measured. NaN for none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** To so many digits behind the point, as a number: for tables and JSON. */
export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
