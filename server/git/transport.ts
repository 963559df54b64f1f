/**
 * Smart HTTP by node-git-server 1.0.0: the only file that imports it, and all that is used of it. Its own request
 * handling, authentication, events and messages are not: they let strangers push and crash the process.
 */

import { closeSync, openSync } from "node:fs";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Service, noCache, serviceRespond } from "node-git-server";
import { Refusal } from "./refusal.ts";
import { GitAnswer, GitRequest } from "./exchange-streams.ts";

export type GitService = "receive-pack" | "upload-pack";

export type Advertisement = {
  service: GitService;
  directory: string;
  request: IncomingMessage;
  response: ServerResponse;
  stallMs: number;
  onError(error: unknown): void;
};

export type Exchange = Advertisement & {
  /** Larger bodies (after decompression) are refused. */
  maxBodyBytes: number;
  /** Called once git runs, before it can have started a hook. */
  onStart(child: ChildProcessWithoutNullStreams): void;
  /** git ended with an error: how, and its last words. */
  onFailure(code: number | null, complaint: string): void;
};

// The pipes of one git service, its hook and the hook's connection, with room to spare.
const DESCRIPTORS_NEEDED = 12;
const MAX_COMPLAINT = 1000;

/**
 * Answers `GET info/refs?service=git-…`.
 * @throws Refusal 503 when the process is out of file descriptors; nothing was sent then.
 */
export function advertise({ service, directory, request, response, stallMs, onError }: Advertisement): void {
  requireDescriptors();
  dropWhenStalled(request, response, stallMs);
  response.setHeader("content-type", `application/x-git-${service}-advertisement`);
  noCache(response);
  const answer = new GitAnswer(response, true);
  const errors = new EventEmitter().on("error", onError);
  try {
    serviceRespond(errors as unknown as Service, service, directory, answer as unknown as ServerResponse);
  } catch (error) {
    onError(error);
    response.destroy();
  }
}

/**
 * Answers `POST git-receive-pack` and `POST git-upload-pack`.
 * @throws Refusal when the body's encoding is not known (415) or file descriptors are short (503); nothing was sent then.
 */
export function serve(exchange: Exchange): void {
  const { service, directory, request, response, onError } = exchange;
  requireDescriptors();
  const body = decode(request);
  dropWhenStalled(request, response, exchange.stallMs);
  response.setHeader("content-type", `application/x-git-${service}-result`);
  noCache(response);

  let child: ChildProcessWithoutNullStreams | undefined;
  const answer = new GitAnswer(response, service === "receive-pack");
  const input = new GitRequest(exchange.maxBodyBytes, () => {
    answer.refuse(413, "The request is too large.");
    child?.kill();
  });
  const git = new Service({ repo: "app", service, cwd: directory }, input as unknown as IncomingMessage, answer as unknown as ServerResponse);
  git.on("error", onError);
  git.on("service", (started: ChildProcessWithoutNullStreams) => {
    child = started;
    if (!started.pid) return survive(started, answer);
    answer.follow(new Promise((resolve) => started.on("close", resolve)));
    let complaint = "";
    started.stderr.on("data", (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-MAX_COMPLAINT)));
    started.on("close", (code) => code === 0 || exchange.onFailure(code, complaint.trim()));
    started.stdin.on("error", () => {});
    // git may stop reading early (pack too large): the client only reads its reason once the rest is sent.
    started.stdin.on("close", () => {
      body.unpipe(input);
      body.resume();
    });
    if (service === "upload-pack") response.on("close", () => started.kill());
    exchange.onStart(started);
  });
  git.accept();

  body.on("error", () => {
    answer.refuse(400, "The body is not what its Content-Encoding says.");
    input.end();
  });
  request.on("close", () => request.complete || input.end());
  if (request.destroyed && !request.complete) input.end();
  else body.pipe(input);
}

/** @throws Refusal 415 for anything but gzip; the content codings of RFC 9110 section 8.4.1. */
function decode(request: IncomingMessage): Readable {
  const coding = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (coding === "identity") return request;
  if (coding !== "gzip" && coding !== "x-gzip") throw new Refusal(415, "Content-Encoding: only gzip is understood.");
  return request.pipe(createGunzip());
}

/** git talks at least every few seconds while it works, so a silent connection or a client that does not read is dead. */
function dropWhenStalled(request: IncomingMessage, response: ServerResponse, stallMs: number): void {
  response.setTimeout(stallMs, () => request.socket.destroy());
}

/** @throws Refusal 503: a spawn without descriptors would take the whole process down inside node-git-server. */
function requireDescriptors(): void {
  const opened: number[] = [];
  try {
    while (opened.length < DESCRIPTORS_NEEDED) opened.push(openSync("/dev/null", "r"));
  } catch (error) {
    throw new Refusal(503, "The server is overloaded; try again in a moment.", { cause: error });
  } finally {
    opened.forEach((descriptor) => closeSync(descriptor));
  }
}

/** A child that could not be spawned may have no pipes at all, and node-git-server is about to use them. */
function survive(child: ChildProcessWithoutNullStreams, answer: GitAnswer): void {
  answer.refuse(503, "The server is overloaded; try again in a moment.");
  Object.assign(child, { stdin: new PassThrough().resume(), stdout: new PassThrough().end(), stderr: new PassThrough().end() });
}
