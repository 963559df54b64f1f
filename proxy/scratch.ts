/** One buffer for octets on their way through, used again for the next ones unless somebody still needs them. */

const SIZE = 65_536;

let scratch = Buffer.allocUnsafeSlow(SIZE);
let kept = false;

/** A copy of `bytes[from..end]`, which the next call overwrites unless `keepOctets` is called before. */
export function copyOctets(bytes: Buffer, from: number, end: number): Buffer {
  if (end - from > SIZE) return Buffer.from(bytes.subarray(from, end));
  if (kept) scratch = Buffer.allocUnsafeSlow(SIZE);
  kept = false;
  bytes.copy(scratch, 0, from, end);
  return scratch.subarray(0, end - from);
}

/** The octets last copied are still needed. */
export function keepOctets(): void {
  kept = true;
}
