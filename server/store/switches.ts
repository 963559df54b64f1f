import type { SwitchName } from "../domain/switches.ts";
import type { Db } from "./database.ts";

export type Switches = ReturnType<typeof createSwitches>;

/** What is turned on for each app. */
export function createSwitches(db: Db) {
  const enabled = db.prepare<[string], { name: SwitchName }>("SELECT name FROM app_switches WHERE app_id = ? AND enabled = 1");
  const one = db.prepare<[string, string], { created_at: string; updated_at: string }>("SELECT created_at, updated_at FROM app_switches WHERE app_id = ? AND name = ?");
  const set = db.prepare(`INSERT INTO app_switches (app_id, name, enabled, created_at, updated_at) VALUES (@appId, @name, @enabled, @now, @now)
    ON CONFLICT (app_id, name) DO UPDATE SET enabled = @enabled, updated_at = @now`);
  return {
    /** Those that are on. */
    of: (appId: string): ReadonlySet<SwitchName> => new Set(enabled.all(appId).map(({ name }) => name)),
    /** When it was first and last touched; undefined where it never was. */
    times(appId: string, name: SwitchName): { createdAt: string; updatedAt: string } | undefined {
      const row = one.get(appId, name);
      return row && { createdAt: row.created_at, updatedAt: row.updated_at };
    },
    set: (appId: string, name: SwitchName, on: boolean, now: string): void => void set.run({ appId, name, enabled: on ? 1 : 0, now }),
  };
}
