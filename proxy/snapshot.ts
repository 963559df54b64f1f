/** Routes and certificates on disk, so that the router serves at once after a restart, with or without the control plane. */

import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Certificate } from "./certificate.ts";
import { checkCertificate } from "./certificates.ts";
import type { Route } from "./route.ts";
import { checkRoute } from "./route-check.ts";

export type Snapshot = { routes: Route[]; certificates: Certificate[] };

export type LoadedSnapshot = Snapshot & {
  /** Where a file that could not be read was put aside; null when all was well. */
  putAside: string | null;
};

const EMPTY: Snapshot = { routes: [], certificates: [] };

/** Reads the snapshot. A missing file is an empty one; an unreadable one is kept beside it under another name. */
export async function loadSnapshot(path: string): Promise<LoadedSnapshot> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { ...EMPTY, putAside: null };
    throw error;
  }
  const snapshot = parseSnapshot(text);
  if (snapshot !== null) return { ...snapshot, putAside: null };
  const putAside = `${path}.corrupt-${Date.now()}`;
  await rename(path, putAside);
  return { ...EMPTY, putAside };
}

/** Replaces the snapshot: whole or not at all, and on the disk when it resolves. Mode 0600: it holds keys. */
export async function saveSnapshot(path: string, { routes, certificates }: Snapshot): Promise<void> {
  const temporary = `${path}.next`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify({ version: 1, routes, certificates }));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function parseSnapshot(text: string): Snapshot | null {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null;
    if (value?.["version"] !== 1) return null;
    const routes = checkedAll(value["routes"], checkRoute);
    // An earlier version wrote none.
    const certificates = checkedAll(value["certificates"] ?? [], checkCertificate);
    return routes === null || certificates === null ? null : { routes, certificates };
  } catch {
    return null;
  }
}

function checkedAll<T extends object>(items: unknown, check: (item: unknown) => T | string): T[] | null {
  if (!Array.isArray(items)) return null;
  const checked = items.map(check);
  return checked.every((item): item is Awaited<T> & T => typeof item !== "string") ? checked : null;
}
