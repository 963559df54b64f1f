/** Drains that take batches by POST, in the framing of Heroku's Logplex (github.com/heroku/logplex, README.http_drains). */

import type { Agent } from "node:https";
import { isIP } from "node:net";
import { trusted, type Connector } from "./connection.ts";
import type { DrainTarget } from "./drain-url.ts";
import type { Sender } from "./sender.ts";
import { framed, syslogHead } from "./syslog.ts";

const ANSWER_MS = 30_000;

/** Any answer but 2xx is a failure; redirects are not followed. */
export function createHttpsSender({ host, port, path, user, password }: DrainTarget, token: string, { reach, ca }: Connector): Sender {
  let agent: Agent | undefined;
  return {
    async send({ id, lines }) {
      // Logplex leaves out STRUCTURED-DATA and ends each message with a line feed: its receivers count on both.
      const body = Buffer.from(lines.map((line) => framed(`${syslogHead(line, token)} ${line.text}\n`)).join(""));
      if (isIP(host) !== 0) reach.assertAddress(host);
      const https = process.getBuiltinModule("node:https");
      agent ??= new https.Agent({ keepAlive: true, maxSockets: 1 });
      const headers = {
        "content-type": "application/logplex-1", "content-length": body.length, "logplex-msg-count": String(lines.length), "logplex-frame-id": id, "logplex-drain-token": token, "user-agent": "Logplex/v73 (paas)",
        ...(user === "" && password === "" ? {} : { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` }),
      };
      const status = await new Promise<number>((resolve, reject) => {
        const request = https.request({ host, port, path, method: "POST", headers, agent, lookup: reach.lookup, ...trusted(ca), signal: AbortSignal.timeout(ANSWER_MS) }, (response) => {
          response.on("error", reject).on("end", () => resolve(response.statusCode ?? 0)).resume();
        });
        request.on("error", reject).end(body);
      });
      if (status < 200 || status > 299) throw new Error(`it answered ${status}`);
    },
    close: () => void agent?.destroy(),
  };
}
