/** What the engine's builder says while it works: lines of JSON, made into the text that a person reads (Docker API: ImageBuild, JSONMessage). */

import type { Readable } from "node:stream";
import { lines } from "./streams.ts";

type Message = { stream?: string; status?: string; id?: string; progressDetail?: object; aux?: { ID?: string }; error?: string; errorDetail?: { code?: number; message?: string } };

export type BuilderEnd = { image: string | undefined; error: string | undefined };
export type BuilderEvents = {
  text(text: string): void;
  /** A stage, counted from 0, has come to this image. */
  step(stage: number, image: string): void;
};

/** Reads until the end. @throws Error where the connection broke */
export async function readBuilder(answer: Readable, events: BuilderEvents): Promise<BuilderEnd> {
  const end: BuilderEnd = { image: undefined, error: undefined };
  let stage = -1;
  let base = false;
  for await (const line of lines(answer)) {
    const message = parse(line);
    if (message.aux?.ID) end.image = message.aux.ID;
    if (message.error !== undefined) end.error = message.errorDetail?.message ?? message.error;
    const from = /^Step \d+\/\d+ : (FROM )?/i.exec(message.stream ?? "");
    if (from) base = from[1] !== undefined;
    if (from?.[1] !== undefined) stage += 1;
    const image = /^ ---> ([0-9a-f]{12})\n?$/.exec(message.stream ?? "")?.[1];
    if (image && !base && stage >= 0) events.step(stage, image);
    const text = message.stream ?? statusLine(message);
    if (text) events.text(text);
  }
  return end;
}

function parse(line: string): Message {
  try {
    return JSON.parse(line) as Message;
  } catch {
    return {};
  }
}

/** Of a pull only where it begins and ends: progress bars are for terminals. */
function statusLine({ status, id }: Message): string | undefined {
  if (!status || !/^(Pulling from|Digest:|Status:)/.test(status)) return undefined;
  return `${id && !status.startsWith("Status") ? `${id}: ` : ""}${status}\n`;
}
