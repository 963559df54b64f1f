/** Drains that speak syslog: RFC 5424 messages, framed by their length (RFC 6587 section 3.4.1), over TCP or TLS (RFC 5425). */

import type { Socket } from "node:net";
import type { LogLine } from "../line.ts";
import { openConnection, writeAll, type Connector } from "./connection.ts";
import type { DrainTarget } from "./drain-url.ts";
import type { Sender } from "./sender.ts";

const WRITE_MS = 30_000;

/** local7.info, local3.info, syslog.notice (RFC 5424 section 6.2.1): what Heroku gives to apps, its router and the rest of it. */
const PRIORITY = { app: 190, router: 158, platform: 45 };

/** @param token stands for the host's name, as at Heroku's drains */
export function createSyslogSender(target: DrainTarget, token: string, connector: Connector): Sender {
  let socket: Socket | undefined;
  return {
    async send({ lines }) {
      if (!socket || socket.destroyed || !socket.writable) {
        socket = await openConnection(target, connector);
        // Nothing comes back in this protocol; but the end of the connection must be noticed.
        socket.resume();
      }
      await writeAll(socket, lines.map((line) => framed(`${syslogHead(line, token)} - ${line.text}`)).join(""), WRITE_MS);
    },
    close: () => void socket?.destroy(),
  };
}

/** Up to and with MSGID, which is none. */
export function syslogHead({ at, source, ps }: LogLine, token: string): string {
  const priority = source === "app" ? PRIORITY.app : ps === "router" ? PRIORITY.router : PRIORITY.platform;
  return `<${priority}>1 ${at} ${token} ${source} ${ps} -`;
}

/** With its length in octets before it. */
export function framed(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`;
}
