/** A constant load in a thread of its own: kept and new connections, GET and POST; counts failures and old answers. */

import http from "node:http";
import { parentPort, workerData } from "node:worker_threads";

const { port, current, connections } = workerData as { port: number; current: Int32Array; connections: number };
const report = { requests: 0, failed: [] as string[], old: 0 };
let stopping = false;
parentPort!.on("message", () => (stopping = true));

const kept = new http.Agent({ keepAlive: true });

function one(keep: boolean, post: boolean): Promise<void> {
  const floor = Atomics.load(current, 0);
  return new Promise((resolve) => {
    const done = (problem: string | null): void => {
      report.requests++;
      if (problem !== null) report.failed.push(problem);
      resolve();
    };
    const request = http.request({ port, method: post ? "POST" : "GET", headers: { host: "app.test" }, agent: keep ? kept : false }, (answer) => {
      let text = "";
      answer.on("data", (part) => (text += String(part)));
      answer.on("error", (error) => done(error.message));
      answer.on("end", () => {
        if (answer.statusCode === 200 && Number(text) < floor) report.old++;
        done(answer.statusCode === 200 ? null : `${answer.statusCode} ${text.slice(0, 200)}`);
      });
    });
    request.on("error", (error) => done(error.message));
    request.end(post ? "some body" : undefined);
  });
}

await Promise.all(
  Array.from({ length: connections }, async (_, i) => {
    await one(true, false);
    if (i === 0) parentPort!.postMessage("started");
    while (!stopping) {
      await one(i % 2 === 0, i % 3 === 0);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }),
);
kept.destroy();
parentPort!.postMessage(report);
parentPort!.close();
