/** run: a command in a one-off dyno, at this very terminal; it ends as the command ended. */

import { once } from "node:events";
import tls from "node:tls";
import type { Command } from "commander";
import { api, unreachable } from "./api.ts";
import { aboutApp, appPath, type AppOption } from "./app-choice.ts";
import { parsePair } from "./config-vars.ts";
import { createExitMarker, quoted, withExitMarker } from "./exit-marker.ts";
import { Failure, FAILED } from "./failure.ts";
import { output, print, remark } from "./terminal.ts";

type Dyno = { name: string; attach_url: string | null; command: string };
type Options = AppOption & { env: string[]; tty: boolean; detached?: boolean; dyno?: string; json?: boolean };

const END_OF_TRANSMISSION = "\x04";
const GREETING = /^[^\n]*\n/;

export function addRunCommand(program: Command): void {
  aboutApp(program.command("run").description("run a command in a fresh dyno of the current release, and end as it ends"))
    .argument("<command...>", "all that follows: paas run -- rake db:migrate")
    .option("-e, --env <name=value>", "an environment variable for it alone (may be given several times)", (pair: string, before: string[]) => [...before, pair], [])
    .option("--no-tty", "no terminal: pipes, even where there is a terminal here")
    .option("-d, --detached", "do not wait for it; `paas logs -d run.1234` shows what it prints")
    .option("--dyno <name>", "run it inside this dyno, such as web.1, instead of a fresh one")
    .option("--json", "with --detached: print JSON")
    .passThroughOptions()
    .action(run);
}

async function run(words: string[], options: Options): Promise<void> {
  const command = words.length === 1 ? (words[0] ?? "") : words.map(quoted).join(" ");
  const env: Record<string, string | number> = Object.fromEntries(options.env.map(parsePair));
  const path = `${await appPath(options)}/dynos${options.dyno === undefined ? "" : `/${encodeURIComponent(options.dyno)}`}`;
  const { ask } = api();
  if (options.detached) {
    const dyno = await ask<Dyno>("POST", path, { command, env });
    return output(options, dyno, () => print(`Running ${command} as ${dyno.name}. Its output: paas logs -d ${dyno.name}`));
  }
  const terminal = options.tty && process.stdin.isTTY && process.stdout.isTTY;
  if (terminal) Object.assign(env, { TERM: process.env["TERM"] || "xterm", COLUMNS: process.stdout.columns, LINES: process.stdout.rows });
  const dyno = await ask<Dyno>("POST", path, { command: withExitMarker(command), attach: true, env, force_no_tty: !terminal });
  if (dyno.attach_url === null) throw new Failure("The platform gave no address to meet the dyno at.");
  if (terminal) remark(`Running ${command} on ${dyno.name}…`);
  const code = await meet(dyno.attach_url, terminal);
  if (code === undefined) remark(`paas: ${dyno.name} ended without saying how.`);
  process.exit(code ?? FAILED);
}

/** Connects this terminal, or these pipes, with the dyno until it ends. @returns its exit code, undefined where it did not say */
async function meet(url: string, terminal: boolean): Promise<number | undefined> {
  const { hostname, port, host, pathname } = new URL(url.replace(/^rendezvous:/, "https:"));
  const name = hostname.replace(/^\[|\]$/g, "");
  const socket = tls.connect({ host: name, port: Number(port), ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }) });
  await once(socket, "secureConnect").catch((error: unknown) => {
    throw unreachable(`https://${host}`, error);
  });
  socket.write(`${pathname.slice(1)}\r\n`);

  const marker = createExitMarker((octets) => void process.stdout.write(octets));
  let greeting: Buffer | undefined = Buffer.alloc(0);
  socket.on("data", (octets: Buffer) => {
    if (greeting === undefined) return marker.take(octets);
    // The first line says no more than that the dyno is there.
    greeting = Buffer.concat([greeting, octets]);
    const first = GREETING.exec(greeting.toString("latin1"));
    if (!first) return;
    const rest = greeting.subarray(first[0].length);
    greeting = undefined;
    marker.take(rest);
  });

  const stopInput = passInput(socket, terminal);
  try {
    await once(socket, "end");
  } catch (error) {
    throw new Failure(`The connection to the dyno broke off: ${(error as Error).message}`);
  } finally {
    stopInput();
    socket.destroy();
  }
  return marker.end();
}

/** Keys as they are pressed at a terminal, Ctrl-C too; otherwise what comes, and its end. @returns what gives the terminal back */
function passInput(socket: tls.TLSSocket, terminal: boolean): () => void {
  const { stdin } = process;
  if (terminal) stdin.setRawMode(true);
  stdin.on("data", (octets: Buffer) => {
    if (socket.write(octets)) return;
    stdin.pause();
    socket.once("drain", () => stdin.resume());
  });
  stdin.on("end", () => socket.write(END_OF_TRANSMISSION));
  stdin.resume();
  return () => {
    if (terminal) stdin.setRawMode(false);
    stdin.pause();
  };
}
