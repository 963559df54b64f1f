/** Follows the logs of all dynos, and goes on after a restart where it stopped: nothing is lost, nothing comes twice. */

import { existsSync, readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import type { Dyno, DynoLogReader, Engine } from "../engine/engine.ts";
import { createDynoReader, type OnEnd } from "./dyno-lines.ts";
import { advance, parseMark, shortId, type DynoPosition } from "./dyno-position.ts";
import type { History } from "./history.ts";
import type { Hub } from "./hub.ts";

export type CollectorOptions = {
  engine: Pick<Engine, "followLogs">;
  hub: Hub;
  history: History;
  /** Where positions are kept, so that a start needs to read the last seconds of the history alone. */
  file: string;
  onEnd: OnEnd;
  onFailure(error: unknown): void;
};

export type Collector = {
  /** Resolves when every dyno that exists is followed. @throws AppError engine_unavailable: call again */
  start(): Promise<void>;
  /** Resolves when nothing more is taken and all positions are on disk. */
  stop(): Promise<void>;
};

/** What the history held up to a place of each app. */
type Checkpoint = { apps: Record<string, number>; dynos: Record<string, DynoPosition> };

const CHECKPOINT_MS = 5000;

export function createCollector({ engine, hub, history, file, onEnd, onFailure }: CollectorOptions): Collector {
  const positions = new Map<string, DynoPosition>();
  /** Dynos that somebody reads or the engine has. */
  const present = new Set<string>();
  let stopFollowing: (() => Promise<void>) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let saved = "";

  const positionOf = (dyno: string): DynoPosition => {
    let position = positions.get(dyno);
    if (!position) positions.set(dyno, (position = { channels: {}, ended: false }));
    return position;
  };

  /** Positions of the last checkpoint, brought up to date by the marks of the lines that came after it. */
  const restore = (): void => {
    const checkpoint = readCheckpoint(file);
    for (const [dyno, position] of Object.entries(checkpoint.dynos)) positions.set(dyno, position);
    for (const appId of history.apps()) {
      for (const { mark, at } of history.scan(appId, checkpoint.apps[appId] ?? 0)) {
        const read = mark === undefined ? undefined : parseMark(mark, at);
        if (!read) continue;
        if (read.channel === "x") positionOf(read.dyno).ended = true;
        else advance(positionOf(read.dyno), { channel: read.channel, at: read.at });
      }
    }
  };

  const save = async (): Promise<void> => {
    // All of one instant: the flush makes it true on disk before it is written down.
    const text = JSON.stringify({ apps: Object.fromEntries(history.apps().map((appId) => [appId, history.end(appId)])), dynos: Object.fromEntries(positions) } satisfies Checkpoint);
    if (text === saved) return;
    saved = text;
    await history.flush();
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    await rename(`${file}.new`, file);
  };

  const open = (dyno: Dyno): DynoLogReader | undefined => {
    const id = shortId(dyno.id);
    present.add(id);
    const position = positionOf(id);
    if (position.ended) return undefined;
    return { ...createDynoReader(hub, dyno, position, onEnd), removed: () => void positions.delete(id) };
  };

  const keepSaving = (): void => {
    timer = setTimeout(() => void save().catch(onFailure).finally(() => timer && keepSaving()), CHECKPOINT_MS).unref();
  };

  return {
    async start() {
      if (stopFollowing) return;
      if (positions.size === 0) restore();
      present.clear();
      stopFollowing = await engine.followLogs(open);
      for (const dyno of positions.keys()) if (!present.has(dyno)) positions.delete(dyno);
      keepSaving();
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      await stopFollowing?.();
      if (stopFollowing) await save().catch(onFailure);
    },
  };
}

function readCheckpoint(file: string): Checkpoint {
  try {
    if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as Checkpoint;
  } catch {
    // Unreadable: the history itself is read, all of it.
  }
  return { apps: {}, dynos: {} };
}
