/** X-Request-Id: the client's when it is a sane one, else our own (devcenter: http-request-id). */

export function requestIdFor(given: string): string {
  return given !== "" && /^[A-Za-z0-9_.+=/~-]{1,200}$/.test(given) ? given : newRequestId();
}

const HEX = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));

/** Shaped like a UUID (RFC 9562, version 4). It tells requests apart and guards nothing, so Math.random does. */
function newRequestId(): string {
  const a = (Math.random() * 4_294_967_296) >>> 0;
  const b = (Math.random() * 4_294_967_296) >>> 0;
  const c = (Math.random() * 4_294_967_296) >>> 0;
  const d = (Math.random() * 4_294_967_296) >>> 0;
  return `${octets(a)}-${pair(b >>> 16)}-${pair((b & 0x0fff) | 0x4000)}-${pair(((c >>> 16) & 0x3fff) | 0x8000)}-${pair(c)}${octets(d)}`;
}

function octets(word: number): string {
  return HEX[word >>> 24]! + HEX[(word >>> 16) & 255]! + pair(word);
}

function pair(word: number): string {
  return HEX[(word >>> 8) & 255]! + HEX[word & 255]!;
}
