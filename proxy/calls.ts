/** Calls between two processes over Node's IPC channel, in both directions at once. */

import type { Change, Member } from "./member.ts";

/** A channel's one end: `process` in a child, the ChildProcess in its parent. */
export type Channel = {
  readonly connected?: boolean;
  send?(message: object, sent: (error: Error | null) => void): boolean;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
};

/** What a process answers to, by name. */
export type Handlers = Record<string, (...args: never[]) => Promise<unknown>>;

type Message = { call: string; seq: number; args: unknown[] } | { answer: number; value: unknown };

/** Calls handlers of the other end, and answers its calls with `handlers`. */
export class Calls {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #seq = 0;

  constructor(channel: Channel, handlers: Handlers) {
    this.#channel = channel;
    channel.on("message", (message) => void this.#received(message as Message, handlers));
    channel.on("disconnect", () => this.#lost());
  }

  /** The other end's answer; undefined when it is gone before it answered. */
  call(name: string, ...args: unknown[]): Promise<unknown> {
    return new Promise((resolve) => {
      const seq = ++this.#seq;
      this.#waiting.set(seq, resolve);
      this.#send({ call: name, seq, args });
    });
  }

  async #received(message: Message, handlers: Handlers): Promise<void> {
    if ("call" in message) {
      const value = await handlers[message.call]?.(...(message.args as never[]));
      return this.#send({ answer: message.seq, value });
    }
    this.#waiting.get(message.answer)?.(message.value);
    this.#waiting.delete(message.answer);
  }

  #send(message: Message): void {
    if (this.#channel.connected !== true) return this.#lost();
    this.#channel.send?.(message, (error) => {
      if (error !== null) this.#lost();
    });
  }

  #lost(): void {
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }
}

/** A member that lives in the process at the other end. */
export function remoteMember(calls: Calls): Member {
  return {
    async apply(change) {
      await calls.call("apply", change);
    },
    drain: async (targetIds, timeoutMs) => Number((await calls.call("drain", targetIds, timeoutMs)) ?? 0),
    inFlight: async () => Number((await calls.call("inFlight")) ?? 0),
  };
}

/** Lets the other end use a member of this process. */
export function handlersOf(member: Member): Handlers {
  return {
    apply: (change: Change) => member.apply(change),
    drain: (targetIds: string[], timeoutMs: number) => member.drain(targetIds, timeoutMs),
    inFlight: () => member.inFlight(),
  };
}
