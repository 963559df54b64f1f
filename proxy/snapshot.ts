/** The routes on disk, so that the router serves at once after a restart, with or without the control plane. */

import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Route } from "./route.ts";
import { checkRoute } from "./route-check.ts";

export type LoadedSnapshot = {
  routes: Route[];
  /** Where a file that could not be read was put aside; null when all was well. */
  putAside: string | null;
};

/** Reads the snapshot. A missing file is an empty one; an unreadable one is kept beside it under another name. */
export async function loadSnapshot(path: string): Promise<LoadedSnapshot> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { routes: [], putAside: null };
    throw error;
  }
  const routes = parseSnapshot(text);
  if (routes !== null) return { routes, putAside: null };
  const putAside = `${path}.corrupt-${Date.now()}`;
  await rename(path, putAside);
  return { routes: [], putAside };
}

/** Replaces the snapshot: whole or not at all, and on the disk when it resolves. */
export async function saveSnapshot(path: string, routes: Route[]): Promise<void> {
  const temporary = `${path}.next`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(JSON.stringify({ version: 1, routes }));
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

function parseSnapshot(text: string): Route[] | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("version" in value) || value.version !== 1) return null;
    if (!("routes" in value) || !Array.isArray(value.routes)) return null;
    const routes: Route[] = [];
    for (const item of value.routes) {
      const route = checkRoute(item);
      if (typeof route === "string") return null;
      routes.push(route);
    }
    return routes;
  } catch {
    return null;
  }
}
