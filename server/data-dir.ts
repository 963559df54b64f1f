/** The data folder: what lies where, who this installation is, and that only one control plane uses it. */

import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { takeFolderLock } from "./store/folder-lock.ts";

/** A unix socket's path has at most 107 bytes (unix(7)); the longest of ours is `run/router.sock`. */
const MAX_DIR_BYTES = 90;

/** Where things lie in a data folder. */
export function dataPaths(path: string) {
  return {
    path,
    database: join(path, "paas.db"),
    buildLogs: join(path, "builds"),
    sources: join(path, "sources"),
    /** Other people's. */
    buildpacks: join(path, "buildpacks"),
    instanceFile: join(path, "instance-id"),
    lockFile: join(path, "run", "control-plane.lock"),
    pidFile: join(path, "run", "control-plane.pid"),
    tls: join(path, "tls"),
    routerSocket: join(path, "run", "router.sock"),
    routerSnapshot: join(path, "router-snapshot.json"),
    routerLog: join(path, "logs", "router.log"),
    appLogs: join(path, "logs"),
  };
}

export type DataDir = ReturnType<typeof dataPaths> & {
  /** Random, made once: the engine's things carry it. */
  instance: string;
  /** Lets another control plane in. */
  release(): void;
};

/**
 * Makes what is missing (folders 0700) and takes the folder for this process, until it ends or releases what is returned: keep hold of it.
 * @throws Error when the path is too long or another control plane uses it.
 */
export function openDataDir(path: string): DataDir {
  if (Buffer.byteLength(path) > MAX_DIR_BYTES) throw new Error(`PAAS_DATA_DIR: the path ${path} is longer than ${MAX_DIR_BYTES} bytes, too long for the sockets inside it.`);
  for (const dir of ["", "run", "logs"]) mkdirSync(join(path, dir), { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
  const paths = dataPaths(path);
  const release = takeFor(paths);
  return { ...paths, instance: instanceId(paths.instanceFile), release };
}

/** The lock keeps others out; the process id is for `npm run stop`. */
function takeFor(paths: ReturnType<typeof dataPaths>): () => void {
  const giveBack = takeFolderLock(paths.lockFile);
  if (!giveBack) throw new Error(`PAAS_DATA_DIR: ${paths.path} is in use by the control plane with process id ${readFileSync(paths.pidFile, "utf8")}. Stop it first, or choose another folder.`);
  writeFileSync(paths.pidFile, String(process.pid), { mode: 0o600 });
  return () => {
    rmSync(paths.pidFile, { force: true });
    giveBack();
  };
}

function instanceId(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomUUID(), { mode: 0o600 });
  return readFileSync(file, "utf8").trim();
}
