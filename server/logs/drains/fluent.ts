/** Drains that speak fluentd's forward protocol, version 1 (github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1), with acknowledgements. */

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import type { LogLine } from "../line.ts";
import { openConnection, writeAll, type Connector } from "./connection.ts";
import type { DrainTarget } from "./drain-url.ts";
import type { Sender } from "./sender.ts";

const WRITE_MS = 30_000;
const ANSWER_MS = 30_000;
/** How long a server that wants to know who comes has to say so: one that does not says nothing at all. */
const HELO_MS = 5000;
const CLIENT = "paas";
const EVENT_TIME = 0;

type Codec = Pick<typeof import("@msgpack/msgpack"), "encode" | "decodeMultiStream" | "ExtData">;
type Connection = { socket: Socket; codec: Codec; answer(ms: number): Promise<unknown> };

/** @param appName what the tag ends with where the URL has none: `paas.<app>` */
export function createFluentSender(target: DrainTarget, appName: () => string, connector: Connector): Sender {
  let connection: Connection | undefined;
  return {
    async send({ id, lines }) {
      try {
        connection ??= await connect(target, connector);
        const { codec, socket, answer } = connection;
        const name = appName();
        const entries = lines.map((line) => [new codec.ExtData(EVENT_TIME, eventTime(line.at)), recordOf(line, name)]);
        await writeAll(socket, codec.encode([target.path || `paas.${name}`, entries, { chunk: id, size: entries.length }]), WRITE_MS);
        const { ack } = ((await answer(ANSWER_MS)) ?? {}) as { ack?: unknown };
        if (ack !== id) throw new Error("it acknowledged something else");
      } catch (error) {
        connection?.socket.destroy();
        connection = undefined;
        throw error;
      }
    },
    close: () => void connection?.socket.destroy(),
  };
}

async function connect(target: DrainTarget, connector: Connector): Promise<Connection> {
  // Loaded with the first such drain.
  const codec = await import("@msgpack/msgpack");
  const socket = await openConnection(target, connector);
  const answers = codec.decodeMultiStream(socket)[Symbol.asyncIterator]();
  const answer = async (ms: number): Promise<unknown> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => (timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms)));
    try {
      const { done, value } = await Promise.race([answers.next(), late]);
      if (done) throw new Error("the connection was closed");
      return value;
    } finally {
      clearTimeout(timer);
    }
  };
  const connection = { socket, codec, answer };
  if (target.sharedKey !== undefined) await introduce(connection, target, target.sharedKey).catch((error: unknown) => {
    socket.destroy();
    throw error;
  });
  return connection;
}

/** HELO, PING, PONG: both ends prove that they know the shared key, and we who we are. @throws Error */
async function introduce({ socket, codec, answer }: Connection, { user, password }: DrainTarget, sharedKey: string): Promise<void> {
  const [type, options] = (await answer(HELO_MS)) as [unknown, { nonce?: Uint8Array | string; auth?: Uint8Array | string } | undefined];
  if (type !== "HELO") throw new Error("it did not begin with HELO");
  const nonce = Buffer.from((options?.nonce ?? "") as string);
  const auth = Buffer.from((options?.auth ?? "") as string);
  const salt = randomBytes(16);
  const digest = (...parts: (string | Buffer)[]): string => createHash("sha512").update(Buffer.concat(parts.map((part) => Buffer.from(part as string)))).digest("hex");
  await writeAll(socket, codec.encode(["PING", CLIENT, salt, digest(salt, CLIENT, nonce, sharedKey), user, digest(auth, user, password)]), WRITE_MS);
  const [pong, accepted, reason, server, proof] = (await answer(ANSWER_MS)) as unknown[];
  if (pong !== "PONG" || accepted !== true) throw new Error(`it refused us: ${String(reason).slice(0, 200)}`);
  const [given, expected] = [Buffer.from(String(proof)), Buffer.from(digest(salt, String(server), nonce, sharedKey))];
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error("it does not know the shared key");
}

function recordOf({ source, ps, release, text }: LogLine, app: string): Record<string, unknown> {
  return { message: text, app, source, dyno: ps, ...(release === undefined ? {} : { release: `v${release}` }) };
}

/** Seconds and nanoseconds, 32 bits each. */
function eventTime(at: string): Uint8Array {
  const octets = Buffer.alloc(8);
  octets.writeUInt32BE(Math.floor(Date.parse(at) / 1000), 0);
  octets.writeUInt32BE(Number(at.slice(20, 26)) * 1000, 4);
  return octets;
}
