/** A deployment's states and the only ways from one to another. */

export type DeploymentState = "pending" | "releasing" | "starting" | "current" | "superseded" | "failed";

const NEXT: Record<DeploymentState, readonly DeploymentState[]> = {
  pending: ["releasing", "starting", "current", "failed"],
  releasing: ["starting", "failed"],
  starting: ["current", "failed"],
  current: ["superseded"],
  superseded: [],
  failed: [],
};

/** Whether a deployment may go from one state to another. `pending → current` is for a release that starts nothing. */
export function canBecome(from: DeploymentState, to: DeploymentState): boolean {
  return NEXT[from].includes(to);
}

/** Whether the deployment is still being worked on. */
export function isRunning(state: DeploymentState): boolean {
  return state === "pending" || state === "releasing" || state === "starting";
}
