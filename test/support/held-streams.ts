/** Event streams and WebSockets to a `mixedApp` that stay open while releases come and go, each opened anew when its dyno goes. */

import { get } from "node:http";
import { WebSocket } from "ws";
import type { LoadRecord } from "./load-record.ts";
import { EVENT_MS } from "./mixed-app.ts";
import { answererOf } from "./mixed-requests.ts";

const PAUSE_MS = 20;

/** @returns what closes them all */
export function holdStreams(port: number, app: string, each: number, record: LoadRecord): () => void {
  const headers = { host: `${app}.localhost` };
  const open = new Set<() => void>();
  let stopped = false;

  /** A stream that is over is opened again after a moment, until all are closed. */
  const again = (hold: () => void, close: () => void): void => {
    open.delete(close);
    if (!stopped) setTimeout(() => !stopped && hold(), PAUSE_MS);
  };

  function holdEvents(): void {
    const { floor } = record;
    const begun = performance.now();
    let ended = false;
    const end = (judge: () => void): void => {
      if (ended) return;
      ended = true;
      if (!stopped) judge();
      again(holdEvents, close);
    };
    const asking = get({ host: "127.0.0.1", port, path: "/events", agent: false, headers });
    const close = (): void => void asking.destroy();
    open.add(close);
    asking.on("error", (error) => end(() => record.fail(`event stream: ${error.message}`)));
    asking.on("response", (response) => {
      if (response.statusCode !== 200) return end(() => record.fail(`event stream: ${response.statusCode}`));
      const from = answererOf(response);
      record.events.opened += 1;
      record.answered(from, begun, floor, "event stream");
      let text = "";
      let number = 0;
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        for (let at = text.indexOf("\n\n"); at !== -1; at = text.indexOf("\n\n")) {
          if (text.slice(0, at) !== `data: ${number++}`) record.fail(`event stream: ${JSON.stringify(text.slice(0, at))} where number ${number - 1} belongs`);
          record.events.messages += 1;
          text = text.slice(at + 2);
        }
      });
      response.on("error", () => undefined);
      response.on("close", () => end(() => record.streamEnded(record.events, from.dyno, "event stream")));
    });
  }

  function holdSocket(): void {
    const { floor } = record;
    const begun = performance.now();
    let from = { release: 0, dyno: "" };
    let number = 0;
    let echoed = 0;
    let broken: string | null = null;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, { headers, perMessageDeflate: false });
    const close = (): void => socket.terminate();
    open.add(close);
    const sending = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send(String(number++)), EVENT_MS);
    socket.on("upgrade", (response) => (from = answererOf(response)));
    socket.on("open", () => {
      record.sockets.opened += 1;
      record.answered(from, begun, floor, "WebSocket");
    });
    socket.on("message", (data: Buffer) => {
      if (data.toString() !== String(echoed++)) record.fail(`WebSocket: ${data.toString()} where ${echoed - 1} belongs`);
      record.sockets.messages += 1;
    });
    // Its end by a drain is a FIN, not a reset.
    socket.on("error", (error) => (broken = error.message));
    socket.on("close", () => {
      clearInterval(sending);
      if (!stopped && (broken !== null || from.dyno === "")) record.fail(`WebSocket: ${broken ?? "closed before it was open"}`);
      else if (!stopped) record.streamEnded(record.sockets, from.dyno, "WebSocket");
      again(holdSocket, close);
    });
  }

  for (let i = 0; i < each; i++) {
    holdEvents();
    holdSocket();
  }
  return () => {
    stopped = true;
    for (const close of open) close();
  };
}
