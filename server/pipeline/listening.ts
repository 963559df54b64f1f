/** Why does nobody answer on $PORT? The kernel's table of the dyno's sockets tells what its programs listen on (proc_net_tcp of Linux). */

import type { Dyno, Engine } from "../engine/engine.ts";

type Listener = { address: string; port: number };

const LISTEN = "0A";
const LOOK_MS = 2000;
/** Docker's resolver listens there in every dyno. */
const RESOLVER = "127.0.0.11";
const RULE = "it must listen on 0.0.0.0:$PORT.";

/**
 * A sentence about what the dyno listens on instead.
 * @param last what the last request to its port came to.
 */
export async function explainSilence(engine: Pick<Engine, "execute">, dyno: Dyno, port: number, last: string | undefined): Promise<string> {
  const looked = await engine.execute(dyno.id, ["cat", "/proc/net/tcp", "/proc/net/tcp6"], LOOK_MS).catch(() => undefined);
  if (!looked) return `I${RULE.slice(1)}`;
  const listeners = parseListeners(looked.output);
  const onPort = listeners.filter((listener) => listener.port === port);
  const reachable = onPort.some(({ address }) => !isLoopback(address));
  if (reachable && last?.includes("ECONNREFUSED")) return "It has begun to listen on $PORT by now: too late.";
  if (reachable) return `It listens on $PORT, yet gives no answer to GET /${last === undefined ? "" : ` (last: ${last})`}.`;
  if (onPort[0]) return `It listens on ${onPort[0].address}:${port} only, where nobody else reaches it: ${RULE}`;
  const others = [...new Set(listeners.map((listener) => listener.port))].slice(0, 5);
  if (others.length > 0) return `It listens on port ${others.join(", ")}, not on $PORT, which is ${port}: ${RULE}`;
  return `It listens nowhere: ${RULE}`;
}

/** Listening sockets of /proc/net/tcp and tcp6, one after the other. */
export function parseListeners(table: string): Listener[] {
  return [...table.matchAll(/^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) [0-9A-F]+:0000 ([0-9A-F]{2}) /gm)]
    .filter(([, , , state]) => state === LISTEN)
    .map(([, address = "", port = ""]) => ({ address: readable(address), port: Number.parseInt(port, 16) }))
    .filter(({ address }) => address !== RESOLVER);
}

/** Each 32-bit word stands there in the byte order of the machine, which is little-endian wherever we run. */
function readable(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join(".");
  const joined = bytes.join("").toLowerCase();
  if (joined.startsWith("00000000000000000000ffff")) return readable(hex.slice(24));
  const groups = (joined.match(/.{4}/g) ?? []).map((group) => Number.parseInt(group, 16).toString(16));
  return `[${groups.join(":").replace(/^0(:0)*:/, "::")}]`.replace("::0]", "::]");
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "[::1]";
}
