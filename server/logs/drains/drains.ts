/** All apps' drains: those of the database are at work. */

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { App, LogDrain } from "../../domain/model.ts";
import { invalidParams, notFound } from "../../errors.ts";
import type { Store } from "../../store/store.ts";
import type { Hub } from "../hub.ts";
import type { Connector } from "./connection.ts";
import { createDrain, type Drain, type DrainState } from "./drain.ts";
import { parseDrainUrl, type DrainTarget } from "./drain-url.ts";
import { createFluentSender } from "./fluent.ts";
import { createHttpsSender } from "./https.ts";
import { Unreachable, createReach, type Reach } from "../../outbound/reachable.ts";
import type { Sender } from "./sender.ts";
import { createSyslogSender } from "./syslog.ts";

export type DrainsOptions = {
  store: Pick<Store, "apps" | "logDrains">;
  hub: Hub;
  /** Networks that may be reached though they are private. */
  allow: string[];
  /** A file of certificates that are trusted besides the public ones. */
  caFile: string | undefined;
  now(): string;
  /** After the first failure of a drain. */
  firstRetryMs?: number;
};

export type Drains = {
  start(): void;
  /** What waits is sent, for 2 s at the most. */
  stop(): Promise<void>;
  /** @throws AppError invalid_params: no such URL, one that the app has, one that leads into the machine's own network */
  add(app: App, url: unknown): Promise<LogDrain>;
  /** By id, URL or token. @throws AppError not_found */
  find(app: App, key: string): LogDrain;
  remove(drain: LogDrain): void;
  state(drain: LogDrain): DrainState;
  /** Of an app that is gone. */
  removeAll(appId: string): void;
  /** Of all drains at work, with their apps. */
  states(): { appId: string; state: DrainState }[];
};

const MAX_DRAINS = 20;
const LAST_MS = 2000;
const IDLE: DrainState = { delivered: 0, dropped: 0, waiting: 0, lastError: null };

export function createDrains({ store, hub, allow, caFile, now, firstRetryMs }: DrainsOptions): Drains {
  const working = new Map<string, { appId: string; drain: Drain; unsubscribe: () => void }>();
  const reach = createReach(allow);
  let connector: Connector | undefined;

  const begin = ({ id, appId, url, token }: LogDrain): void => {
    connector ??= { reach, ca: caFile === undefined ? undefined : readFileSync(caFile, "utf8") };
    const drain = createDrain(senderFor(parseDrainUrl(url), token, () => store.apps.find(appId)?.name ?? appId, connector), () => hub.countDropped(appId, 1), firstRetryMs);
    working.set(id, { appId, drain, unsubscribe: hub.subscribe(appId, drain.add) });
  };
  const end = (id: string): void => {
    working.get(id)?.unsubscribe();
    working.get(id)?.drain.stop();
    working.delete(id);
  };

  return {
    start: () => store.logDrains.listAll().forEach(begin),
    async stop() {
      await Promise.race([Promise.all([...working.values()].map(({ drain }) => drain.settled())), sleep(LAST_MS, undefined, { ref: false })]);
      [...working.keys()].forEach(end);
    },
    async add(app, url) {
      const target = parseDrainUrl(url);
      const known = (): LogDrain[] => store.logDrains.list(app.id);
      await assertReachable(target, reach);
      if (known().some((drain) => drain.url === url)) throw invalidParams("url: the app has that drain already.");
      if (known().length >= MAX_DRAINS) throw invalidParams(`url: an app can have at most ${MAX_DRAINS} drains; remove one first.`);
      const at = now();
      const drain: LogDrain = { id: randomUUID(), appId: app.id, url: url as string, token: `d.${randomUUID()}`, createdAt: at, updatedAt: at };
      store.logDrains.insert(drain);
      begin(drain);
      return drain;
    },
    find(app, key) {
      const found = store.logDrains.list(app.id).find(({ id, url, token }) => [id, url, token].includes(key));
      if (!found) throw notFound("drain", "Couldn't find that drain.");
      return found;
    },
    remove({ id }) {
      store.logDrains.remove(id);
      end(id);
    },
    state: ({ id }) => working.get(id)?.drain.state() ?? IDLE,
    removeAll(appId) {
      for (const [id, one] of working) if (one.appId === appId) end(id);
    },
    states: () => [...working.values()].map(({ appId, drain }) => ({ appId, state: drain.state() })),
  };
}

function senderFor(target: DrainTarget, token: string, appName: () => string, connector: Connector): Sender {
  switch (target.protocol) {
    case "syslog": return createSyslogSender(target, token, connector);
    case "https": return createHttpsSender(target, token, connector);
    case "fluent": return createFluentSender(target, appName, connector);
  }
}

/** Says at once what every connection would meet. A name that cannot be resolved yet may be one day. @throws AppError invalid_params */
async function assertReachable({ host }: DrainTarget, reach: Reach): Promise<void> {
  try {
    if (isIP(host) !== 0) reach.assertAddress(host);
    else await new Promise<void>((resolve, reject) => reach.lookup(host, {}, (error) => (error instanceof Unreachable ? reject(error) : resolve())));
  } catch (error) {
    throw invalidParams(`url: ${(error as Error).message}.`);
  }
}
