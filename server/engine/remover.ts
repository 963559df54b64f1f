/** Removing a container, however long it takes to be allowed to. */

import type Dockerode from "dockerode";
import { unlessGone, within } from "./docker-call.ts";
import type { DynoLogs } from "./dyno-log.ts";

const CALL_MS = 30_000;

export type Remover = {
  /** Removes a container with its volumes, running or not. Idempotent. @throws AppError engine_unavailable; it is tried again by removeLate() then. */
  remove(id: string): Promise<void>;
  /** Tries again what failed before. */
  removeLate(): Promise<void>;
};

/** @param logs what a dyno printed last is read before the engine throws it away. */
export function createRemover(docker: Dockerode, logs: Pick<DynoLogs, "follows" | "read" | "removed">): Remover {
  const late = new Set<string>();
  const going = new Map<string, Promise<void>>();

  /** The engine says of one whose removal is under way that all is well: whoever needs it gone waits for that removal. */
  const remove = (id: string): Promise<void> => {
    const removal = going.get(id) ?? removeNow(id).finally(() => going.delete(id));
    going.set(id, removal);
    return removal;
  };
  const removeNow = async (id: string): Promise<void> => {
    late.add(id);
    if (logs.follows(id)) {
      await unlessGone(within(CALL_MS, "kill dyno", docker.getContainer(id).kill()));
      await logs.read(id);
    }
    await unlessGone(within(CALL_MS, "remove container", docker.getContainer(id).remove({ force: true, v: true })));
    late.delete(id);
    logs.removed(id);
  };
  return {
    remove,
    async removeLate() {
      await Promise.all([...late].map(remove));
    },
  };
}
