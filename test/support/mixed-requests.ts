/** Short requests of every kind to a `mixedApp`, each with an answer of its own that is checked to the byte. */

import { createHash, randomBytes } from "node:crypto";
import { Agent, request, type IncomingMessage } from "node:http";
import type { LoadRecord } from "./load-record.ts";

type Kind = { name: string; method: "GET" | "POST"; path(token: string): string; answer(token: string): string; body?: Buffer[]; kept: boolean; /** On purpose: its time says nothing. */ slow?: boolean };

const SLOW_MS = 300;
const CHUNKS = 8;
const TIMEOUT_MS = 20_000;
const small = randomBytes(1000);
const large = randomBytes(100_000);

const echo = (token: string): string => `/echo/${token}`;
const chunked = (token: string): string => Array.from({ length: CHUNKS }, (_, i) => `${token}:${i};`).join("");
const post = (name: string, body: Buffer[], kept: boolean): Kind => {
  const digest = createHash("sha256").update(Buffer.concat(body)).digest("hex");
  return { name, method: "POST", path: () => "/digest", answer: () => digest, body, kept };
};
const get = (name: string, path: Kind["path"], answer: Kind["answer"], kept: boolean): Kind => ({ name, method: "GET", path, answer, kept });

/** One turn of the load. A body of one piece goes with its length, one of several in chunks. */
const KINDS: Kind[] = [
  get("GET", echo, String, true),
  get("GET on a new connection", echo, String, false),
  post("POST", [small], true),
  get("GET", echo, String, true),
  { ...get("chunked answer", (token) => `/chunks/${CHUNKS}/${token}`, chunked, true), slow: true },
  get("GET on a new connection", echo, String, false),
  post("POST in chunks", [small, small, small], true),
  { ...get("slow answer", (token) => `/slow/${SLOW_MS}/${token}`, String, true), slow: true },
  get("GET", echo, String, true),
  post("POST on a new connection", [large], false),
  get("GET", echo, String, true),
  get("GET on a new connection", echo, String, false),
  post("POST", [small], true),
  { ...get("chunked answer on a new connection", (token) => `/chunks/${CHUNKS}/${token}`, chunked, false), slow: true },
  post("POST in chunks on a new connection", [large, large], false),
  get("GET", echo, String, true),
];

/** @returns what starts the request of a number; its answer is recorded. */
export function mixedRequests(port: number, app: string, record: LoadRecord): { start(number: number): void; close(): void } {
  // First in, first out: no connection rests so long that the router closes it just as it is used.
  const agent = new Agent({ keepAlive: true, scheduling: "fifo" });

  function start(number: number): void {
    const { name, method, path, answer, body, kept, slow } = KINDS[number % KINDS.length] as Kind;
    const token = String(number);
    const { floor, isChanging } = record;
    const begun = performance.now();
    let over = false;
    const end = (problem: string | null, from?: IncomingMessage): void => {
      if (over) return;
      over = true;
      record.requests += 1;
      if (problem !== null) return record.fail(`${name} ${number}: ${problem}${asking.reusedSocket ? " (on a kept connection)" : ""}`);
      record.answered(answererOf(from), begun, floor, `${name} ${number}`);
      if (!slow) record.took(performance.now() - begun, isChanging || record.isChanging);
    };
    const length = body?.length === 1 ? { "content-length": body[0]?.length } : {};
    const asking = request({ host: "127.0.0.1", port, method, path: path(token), agent: kept ? agent : false, timeout: TIMEOUT_MS, headers: { host: `${app}.localhost`, ...length } });
    asking.on("timeout", () => asking.destroy(new Error(`silent for ${TIMEOUT_MS} ms`)));
    asking.on("error", (error: NodeJS.ErrnoException) => end(`${error.code ?? ""} ${error.message}`));
    asking.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("error", (error) => end(`${error.message} after ${text.length} characters`));
      response.on("close", () => end("cut off"));
      response.on("end", () => {
        if (!response.complete) return end("ended before its end");
        end(response.statusCode === 200 && text === answer(token) ? null : `${response.statusCode} ${JSON.stringify(text.slice(0, 120))}${/<small>[^<]*/.exec(text)?.[0] ?? ""}`, response);
      });
    });
    for (const part of body ?? []) asking.write(part);
    asking.end();
  }
  return { start, close: () => agent.destroy() };
}

export function answererOf(response?: Pick<IncomingMessage, "headers">): { release: number; dyno: string } {
  const { "x-release": release, "x-dyno": dyno } = response?.headers ?? {};
  return { release: Number(String(release).replace("v", "")), dyno: String(dyno) };
}
