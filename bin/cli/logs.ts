import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { api, type Api } from "./api.ts";
import { aboutApp, appPath, type AppOption } from "./app-choice.ts";
import { Failure, wrongUsage } from "./failure.ts";
import { paint, print, remark } from "./terminal.ts";

type Options = AppOption & { num: string; tail?: boolean; dyno?: string; release?: string; source?: string; json?: boolean };

const RECONNECT_MS = 1000;
const TRIES = 30;
const LINE = /^(\S+) (\w+)\[([^\]]+)\]: (.*)$/s;

export function addLogsCommand(program: Command): void {
  aboutApp(program.command("logs").description("show the last log lines"))
    .option("-n, --num <number>", "how many lines, at most 1500", "100")
    .option("-t, --tail", "go on with those that come")
    .option("-d, --dyno <name>", "only those of a dyno (web.1) or a process type (web)")
    .option("--release <version>", "only what this release printed, even when it is gone: v41")
    .option("-s, --source <source>", "only app or heroku (the platform)")
    .option("--json", "print a JSON object for each line")
    .action(logs);
}

async function logs(options: Options): Promise<void> {
  if (!/^\d+$/.test(options.num)) throw wrongUsage(`-n must be a number, not "${options.num}".`);
  const query = new URLSearchParams({ lines: options.num });
  for (const name of ["dyno", "release", "source"] as const) if (options[name] !== undefined) query.set(name, options[name]);
  const path = `${await appPath(options)}/logs`;
  const show = options.json ? showJson : showText;
  const asking = api();
  if (options.tail) return tail(asking, `${path}?${query}&tail=true`, show);
  const response = await asking.open("GET", `${path}?${query}`);
  for await (const line of linesOf(response)) show(line);
}

/** Server-sent events, so that a connection that was cut goes on behind the last line shown. */
async function tail({ open }: Api, path: string, show: (line: string) => void): Promise<void> {
  let lastId: string | undefined;
  for (let left = TRIES; ; ) {
    try {
      const response = await open("GET", path, { headers: { accept: "text/event-stream", ...(lastId === undefined ? {} : { "last-event-id": lastId }) } });
      left = TRIES;
      for await (const line of linesOf(response)) {
        if (line.startsWith("id: ")) lastId = line.slice("id: ".length);
        if (line.startsWith("data: ")) show(line.slice("data: ".length));
      }
    } catch (error) {
      // The first time it is the person's mistake, or the platform is away: no reason to wait.
      if (lastId === undefined || --left === 0) throw error instanceof Failure ? error : new Failure(`The log stream broke off: ${(error as Error).message}`);
    }
    await delay(RECONNECT_MS);
  }
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of (response.body ?? new ReadableStream<Uint8Array>()).pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function showText(line: string): void {
  const [, at, source, dyno, text] = LINE.exec(line) ?? [];
  print(at === undefined ? line : `${paint(source === "app" ? "cyan" : "dim", `${at} ${source}[${dyno}]:`)} ${text}`);
}

function showJson(line: string): void {
  const [, at, source, dyno, text] = LINE.exec(line) ?? [];
  if (at === undefined) return remark(line);
  print(JSON.stringify({ at, source, dyno, text }));
}
