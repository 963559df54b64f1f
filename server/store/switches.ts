import { ON_BY_DEFAULT, type SwitchName } from "../domain/switches.ts";
import type { Db } from "./database.ts";

export type Switches = ReturnType<typeof createSwitches>;

/** What is turned on for each app. */
export function createSwitches(db: Db) {
  const touched = db.prepare<[string], { name: SwitchName; enabled: 0 | 1 }>("SELECT name, enabled FROM app_switches WHERE app_id = ?");
  const one = db.prepare<[string, string], { created_at: string; updated_at: string }>("SELECT created_at, updated_at FROM app_switches WHERE app_id = ? AND name = ?");
  const set = db.prepare(`INSERT INTO app_switches (app_id, name, enabled, created_at, updated_at) VALUES (@appId, @name, @enabled, @now, @now)
    ON CONFLICT (app_id, name) DO UPDATE SET enabled = @enabled, updated_at = @now`);
  return {
    /** Those that are on. */
    of(appId: string): ReadonlySet<SwitchName> {
      const on = new Set(ON_BY_DEFAULT);
      for (const { name, enabled } of touched.all(appId)) if (enabled === 1) on.add(name);
      else on.delete(name);
      return on;
    },
    /** When it was first and last touched; undefined where it never was. */
    times(appId: string, name: SwitchName): { createdAt: string; updatedAt: string } | undefined {
      const row = one.get(appId, name);
      return row && { createdAt: row.created_at, updatedAt: row.updated_at };
    },
    set: (appId: string, name: SwitchName, on: boolean, now: string): void => void set.run({ appId, name, enabled: on ? 1 : 0, now }),
  };
}
