/** One-off dynos (devcenter: one-off-dynos): a command in a fresh dyno of the current release, for a person or on its own. */

import { randomBytes, randomInt, randomUUID } from "node:crypto";
import type { App, Release } from "../domain/model.ts";
import type { Attached, Dyno, DynoSpec, Terminal } from "../engine/engine.ts";
import { AppError, invalidParams, notFound } from "../errors.ts";
import { dynoSpec } from "./dyno-spec.ts";
import type { DynoRef } from "./events.ts";
import type { Parts } from "./parts.ts";
import type { DynoView } from "./dyno.ts";
import { currentTarget, slugOf } from "./release.ts";

/** How long a client has to fetch the dyno that it asked for. */
const FETCH_MS = 60_000;
const LOOK_MS = 60_000;
const GRACE_MS = 5000;
const SECRET_BYTES = 32;
const SIZE = "standard";

export type RunRequest = {
  command: string;
  env: Record<string, string>;
  /** Undefined: pipes instead of a terminal. */
  terminal: Terminal | undefined;
  /** Seconds that it may live; the platform's limit when not given. */
  timeToLive: number | undefined;
};

/** A dyno that waits for its client, and the secret that fetches it: once, and soon. */
export type Waiting = { view: DynoView; secret: string };

export type OneOffs = {
  /** @throws AppError no_slug (nothing deployed yet), invalid_params (too many run already) */
  attach(app: App, request: RunRequest): Promise<Waiting>;
  /** A command in a dyno that runs. @throws AppError not_found */
  inside(app: App, dynoName: string, request: RunRequest): Promise<Waiting>;
  /** Starts and returns. @throws AppError as attach */
  detach(app: App, request: RunRequest): Promise<DynoView>;
  /** Hands the waiting program to whoever knows its secret, starting it now; undefined where there is none. */
  fetch(secret: string): (() => Promise<Attached>) | undefined;
  list(app: App): Promise<DynoView[]>;
  /** Ends one by name or id. False when there is none of it. */
  stop(app: App, which: string): Promise<boolean>;
  start(): void;
  close(): void;
};

type Reservation = { app: App; view: DynoView; begin: () => Promise<Attached>; timer: NodeJS.Timeout };

export function createOneOffs(parts: Parts): OneOffs {
  const { engine, log, config, events } = parts;
  const waiting = new Map<string, Reservation>();
  /** Those that are being started or run attached, by the id of their view. */
  const attached = new Map<string, { app: App; view: DynoView; program: Promise<Attached> }>();
  const limitMs = config.limits.oneOffHours * 3_600_000;
  /** Names of those that are being started on their own, which no list shows yet, by app. */
  const booked = new Map<string, Set<string>>();
  let looking: NodeJS.Timeout | undefined;

  const prepare = async (app: App, request: RunRequest): Promise<{ spec: DynoSpec; release: Release }> => {
    const { release } = currentTarget(parts, app);
    const slug = slugOf(parts.store, release);
    if (!slug) throw new AppError("no_slug", "The app has no release with code yet: push a version first.");
    const taken = new Set([...(await list(app)).map(({ name }) => name), ...(booked.get(app.id) ?? [])]);
    if (taken.size >= config.limits.oneOffDynos) throw invalidParams(`command: ${taken.size} one-off dynos of ${app.name} run already, no more are allowed (PAAS_ONE_OFF_DYNOS). Stop one first.`);
    let number = randomInt(1000, 10_000);
    while (taken.has(`run.${number}`)) number = randomInt(1000, 10_000);
    const base = dynoSpec(app, release, slug, "run", number, config.limits.dynoMemoryMb);
    return { spec: { ...base, command: request.command, env: { ...base.env, ...request.env, ...terminalEnvironment(request.terminal) } }, release };
  };

  const whileBooked = async <T>(app: App, name: string, work: () => Promise<T>): Promise<T> => {
    const names = booked.get(app.id) ?? new Set();
    booked.set(app.id, names.add(name));
    try {
      return await work();
    } finally {
      names.delete(name);
      if (names.size === 0) booked.delete(app.id);
    }
  };

  const reserve = (app: App, view: DynoView, begin: () => Promise<Attached>): Waiting => {
    const secret = randomBytes(SECRET_BYTES).toString("hex");
    const timer = setTimeout(() => waiting.delete(secret), FETCH_MS);
    timer.unref();
    waiting.set(secret, { app, view, begin, timer });
    return { view, secret };
  };

  const list = async (app: App): Promise<DynoView[]> => {
    const running = (await engine.oneOffs(app.id)).filter((dyno) => dyno.running);
    const held = [...waiting.values(), ...attached.values()].filter((one) => one.app.id === app.id && one.view.type === "run").map(({ view }) => view);
    const detached = running.filter(({ name }) => !held.some((view) => view.name === name));
    return [...held, ...detached.map((dyno) => viewOf(parts, dyno))].sort((a, b) => (a.name < b.name ? -1 : 1));
  };

  /** Until it has ended, or its time is over. */
  const follow = async (starting: Promise<Attached>, view: DynoView, spec: DynoSpec, limit: number): Promise<void> => {
    const dyno = refOf(spec);
    let timer: NodeJS.Timeout | undefined;
    try {
      const program = await starting;
      view.state = "up";
      events.emit({ kind: "dyno_up", dyno });
      timer = setTimeout(() => void program.kill(), limit);
      // What it prints is its person's alone; that it ran is everybody's.
      events.emit({ kind: "dyno_exited", dyno, ...(await program.exit) });
    } catch (err) {
      log.warn({ dyno: view.name, err }, "one-off dyno failed");
    } finally {
      clearTimeout(timer);
      attached.delete(view.id);
    }
  };

  /** Those that ended are removed, those past their time are ended. */
  const look = async (): Promise<void> => {
    for (const dyno of await engine.oneOffs()) {
      const old = Date.now() - Date.parse(dyno.createdAt) > limitMs;
      const held = [...attached.values()].some(({ app, view }) => app.id === dyno.appId && view.name === dyno.name);
      if (held || (dyno.running && !old)) continue;
      await engine.discardDyno(dyno.id, dyno.running ? GRACE_MS : 0);
      log.info({ dyno: dyno.name, ended: old ? "its time was over" : "by itself" }, "one-off dyno removed");
    }
  };

  return {
    async attach(app, request) {
      const { spec, release } = await prepare(app, request);
      const view = newView(spec, release, "starting");
      return reserve(app, view, () => {
        events.emit({ kind: "dyno_starting", dyno: refOf(spec), command: spec.command });
        const starting = engine.attachOneOff(spec, request.terminal);
        attached.set(view.id, { app, view, program: starting });
        void follow(starting, view, spec, Math.min((request.timeToLive ?? Infinity) * 1000, limitMs));
        return starting;
      });
    },

    async inside(app, dynoName, request) {
      const dyno = (await engine.dynos(app.id)).find(({ name, id, running }) => running && (name === dynoName || id === dynoName));
      if (!dyno) throw notFound("dyno");
      const { release } = currentTarget(parts, app);
      const view: DynoView = { ...viewOf(parts, dyno), command: request.command, release: { id: release.id, version: dyno.releaseVersion } };
      return reserve(app, view, () => engine.attachInside(dyno.id, request.command, { ...request.env, ...terminalEnvironment(request.terminal) }, request.terminal));
    },

    async detach(app, request) {
      const { spec, release } = await prepare(app, request);
      events.emit({ kind: "dyno_starting", dyno: refOf(spec), command: spec.command });
      const id = await whileBooked(app, refOf(spec).name, () => engine.startDetached(spec));
      events.emit({ kind: "dyno_up", dyno: refOf(spec) });
      void engine.waitForExit(id).then(() => look()).catch((err: unknown) => log.warn({ err }, "a one-off dyno that ended is left for the next look"));
      if (request.timeToLive !== undefined) setTimeout(() => void engine.discardDyno(id, GRACE_MS).catch(() => undefined), request.timeToLive * 1000).unref();
      return { ...newView(spec, release, "up"), id };
    },

    fetch(secret) {
      const found = waiting.get(secret);
      if (!found) return undefined;
      waiting.delete(secret);
      clearTimeout(found.timer);
      return found.begin;
    },

    list,

    async stop(app, which) {
      for (const [secret, { app: owner, view }] of waiting) if (owner.id === app.id && (view.name === which || view.id === which)) return waiting.delete(secret);
      for (const one of attached.values()) if (one.app.id === app.id && (one.view.name === which || one.view.id === which)) return one.program.then(({ kill }) => kill()).then(() => true);
      const dyno = (await engine.oneOffs(app.id)).find(({ name, id }) => name === which || id === which);
      if (dyno) await engine.discardDyno(dyno.id, GRACE_MS);
      return dyno !== undefined;
    },

    start() {
      looking = setInterval(() => void look().catch((err: unknown) => log.warn({ err }, "could not look after one-off dynos")), LOOK_MS);
    },
    close() {
      clearInterval(looking);
      for (const { timer } of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}

function refOf({ appId, type, number, releaseVersion }: DynoSpec): DynoRef {
  return { appId, name: `${type}.${number}`, releaseVersion };
}

function newView(spec: DynoSpec, release: Release, state: DynoView["state"]): DynoView {
  const at = new Date().toISOString();
  return { id: randomUUID(), name: `${spec.type}.${spec.number}`, type: spec.type, command: spec.command, size: SIZE, state, release: { id: release.id, version: release.version }, createdAt: at, updatedAt: at };
}

function viewOf({ store }: Parts, dyno: Dyno): DynoView {
  const release = store.releases.findByVersion(dyno.appId, dyno.releaseVersion);
  return { id: dyno.id, name: dyno.name, type: dyno.type, command: dyno.command, size: SIZE, state: "up", release: { id: release?.id ?? "", version: dyno.releaseVersion }, createdAt: dyno.createdAt, updatedAt: dyno.createdAt };
}

/** What programs read to know how large the terminal is. */
function terminalEnvironment(terminal: Terminal | undefined): Record<string, string> {
  return terminal ? { COLUMNS: String(terminal.columns), LINES: String(terminal.rows) } : {};
}
