/**
 * One router takes another's place without closing the listening socket: the successor is born with it, starts its own
 * workers beside the old ones, and takes the control socket over. The predecessor takes no more connections, ends those
 * that it has at their next response, and until then stays a member of its successor: it follows its changes and drains.
 */

import { spawn } from "node:child_process";
import { Calls, handlersOf, remoteMember } from "./calls.ts";
import type { ListeningSocket } from "./listening-socket.ts";
import type { Challenge, Member } from "./member.ts";
import type { RouteAuthority } from "./route-authority.ts";
import { RouterError } from "./router-error.ts";

const START_MS = 10_000;
/** Where a successor finds the sockets that it was born with. */
export const INHERITED = { socket: 4, tlsSocket: 5 };

export type Successor = {
  readonly pid: number;
  /** It answers the control socket from now on, which is free. False when it is gone instead. */
  takeOver(challenges: Challenge[]): Promise<boolean>;
  /** Resolves when it is gone. */
  readonly gone: Promise<void>;
};

export type SuccessorOptions = {
  /** Node, and its arguments. */
  program: string;
  args: string[];
  socket: ListeningSocket;
  tlsSocket: ListeningSocket | null;
  /** All that serves under the predecessor. */
  members: Member;
};

/** Starts a successor; resolves when its workers take connections. Throws RouterError "upgrade_failed": it is as if nothing had been tried. */
export async function startSuccessor({ program, args, socket, tlsSocket, members }: SuccessorOptions): Promise<Successor> {
  // In the order of INHERITED.
  const stdio = ["ignore", "inherit", "inherit", "ipc", socket.fd, ...(tlsSocket === null ? [] : [tlsSocket.fd])] as const;
  const child = spawn(program, args, { detached: true, stdio: [...stdio] });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
  let ready = (): void => {};
  const started = new Promise<void>((resolve) => (ready = resolve));
  const calls = new Calls(child, { ...handlersOf(members), ready: async () => ready() });

  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => (timer = setTimeout(() => resolve("it was not ready in time"), START_MS)));
  const failure = await Promise.race([started, late, gone.then(() => "it ended at its start: the router's log says why")]);
  clearTimeout(timer);
  if (failure !== undefined) {
    child.kill("SIGKILL");
    throw new RouterError("upgrade_failed", failure);
  }
  child.unref();
  return { pid: child.pid!, gone, takeOver: async (challenges) => (await calls.call("takeOver", challenges)) === true };
}

/** The successor's side: says that it is ready, and joins its predecessor to the members once it has taken over with `listen`. */
export function succeed(authority: RouteAuthority, listen: () => Promise<void>): void {
  let over = false;
  const takeOver = async (challenges: Challenge[]): Promise<boolean> => {
    over = true;
    for (const challenge of challenges) await authority.putChallenge(challenge);
    await listen();
    return true;
  };
  const calls = new Calls(process, { takeOver });
  const predecessor = remoteMember(calls);
  void authority.join(async () => predecessor);
  process.once("disconnect", () => {
    authority.leave(predecessor);
    // It died in the middle: nobody else will take over.
    if (!over) void takeOver([]);
  });
  void calls.call("ready");
}
