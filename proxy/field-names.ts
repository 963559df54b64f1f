/** The field names that the router treats in a way of its own; every other one is end-to-end and passes as it is. */

export const OTHER = 0;
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const UPGRADE = 5;
export const EXPECT = 6;
export const ACCEPT = 7;
export const X_FORWARDED_FOR = 8;
export const X_REQUEST_ID = 9;
export const SET_COOKIE = 10;
export const KEEP_ALIVE = 11;
/** Never forwarded, either way: hop-by-hop (RFC 9110 7.6.1). */
export const HOP_BY_HOP = 12;
/** Never forwarded to an app: the router alone says these. */
export const ROUTER_ONLY = 13;
/** Names there are. */
export const FIELD_IDS = 14;

const NAMES: Record<string, number> = {
  host: HOST,
  "content-length": CONTENT_LENGTH,
  "transfer-encoding": TRANSFER_ENCODING,
  connection: CONNECTION,
  upgrade: UPGRADE,
  expect: EXPECT,
  accept: ACCEPT,
  "x-forwarded-for": X_FORWARDED_FOR,
  "x-request-id": X_REQUEST_ID,
  "set-cookie": SET_COOKIE,
  "keep-alive": KEEP_ALIVE,
  // RFC 9110 7.6.1, and its older relatives.
  "proxy-connection": HOP_BY_HOP,
  te: HOP_BY_HOP,
  trailer: HOP_BY_HOP,
  "http2-settings": HOP_BY_HOP,
  "proxy-authorization": HOP_BY_HOP,
  "proxy-authenticate": HOP_BY_HOP,
  // CGI programs read this as HTTP_PROXY (CVE-2016-5385).
  proxy: ROUTER_ONLY,
  // No proxy in front is trusted: these are the router's to say, or nobody's.
  forwarded: ROUTER_ONLY,
  "x-forwarded-proto": ROUTER_ONLY,
  "x-forwarded-port": ROUTER_ONLY,
  "x-forwarded-host": ROUTER_ONLY,
  "x-forwarded-server": ROUTER_ONLY,
  "x-request-start": ROUTER_ONLY,
};

/**
 * Fields that `Connection` may not nominate: taking one away would change the framing, the app that is meant, or who
 * asked. A body whose length was taken away is read as the next request.
 */
const PROTECTED = new Set([...Object.keys(NAMES), "x-real-ip", "authorization", "cookie"]);

type Known = { octets: Uint8Array; id: number };
const BY_LENGTH: (Known[] | undefined)[] = [];
for (const [name, id] of Object.entries(NAMES)) (BY_LENGTH[name.length] ??= []).push({ octets: Buffer.from(name), id });

/** Which name stands at `start..end` of `bytes`, in any case: one of the constants above. */
export function knownField(bytes: Uint8Array, start: number, end: number): number {
  const candidates = BY_LENGTH[end - start];
  if (candidates === undefined) return OTHER;
  for (let i = 0; i < candidates.length; i++) {
    const known = candidates[i]!;
    if (sameName(bytes, start, known.octets)) return known.id;
  }
  return OTHER;
}

/** True for `X_Forwarded_For` and the like: CGI-style servers take it for the field that the router protects. */
export function isAlias(name: string): boolean {
  return Object.hasOwn(NAMES, name.toLowerCase().replaceAll("_", "-"));
}

/** The options of a `Connection` value (RFC 9110 7.6.1), in lower case. */
export function connectionOptions(value: string): string[] {
  const low = value.toLowerCase();
  if (!low.includes(",")) return low === "" ? [] : [low];
  return low.split(",").map((option) => option.trim()).filter((option) => option !== "");
}

/** Whether `Connection` may nominate this field (lower case) for removal. */
export function mayNominate(name: string): boolean {
  return !PROTECTED.has(name);
}

function sameName(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  // Setting bit 5 lowers a letter and leaves `-` and digits alone; no other token octet turns into one of these.
  for (let i = 0; i < name.length; i++) if ((bytes[start + i]! | 32) !== name[i]) return false;
  return true;
}
