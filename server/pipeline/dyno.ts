/** The word for a dyno towards the outside. */

/** A dyno as its owner sees it (devcenter: platform-api-reference#dyno). */
export type DynoView = {
  /** Stable while the dyno lives. */
  id: string;
  name: string;
  type: string;
  command: string;
  size: string;
  state: "starting" | "up" | "crashed" | "down";
  release: { id: string; version: number };
  createdAt: string;
  updatedAt: string;
};
