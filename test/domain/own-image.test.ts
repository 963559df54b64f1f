import { describe, expect, it, test } from "vitest";
import { argumentsOf, checksOfImage, ownImage, shownCommand, type ImageConfig } from "../../server/domain/own-image.ts";

const config = (more: Partial<ImageConfig> = {}): ImageConfig => ({ entrypoint: [], command: ["serve"], exposed: [], healthcheck: undefined, ...more });

describe("the port of an image", () => {
  test.each([[[], 5000], [["8080/tcp"], 8080], [["80/tcp", "443/tcp"], 5000], [["53/udp", "8000/tcp"], 8000]])("that exposes %j is %d", (exposed, port) => {
    expect(ownImage(config({ exposed }), true).port).toBe(port);
  });
});

describe("a HEALTHCHECK", () => {
  const checks = (more: object, given = {}) => checksOfImage(config({ healthcheck: { test: [], interval: 0, timeout: 0, startPeriod: 0, retries: 0, ...more } }), 8000, given);
  const healthcheck = (more: object) => checks(more)["web"]?.[0];
  it("is a startup check with Docker's defaults", () => {
    expect(healthcheck({ test: ["CMD", "curl", "-f", "localhost"] })).toMatchObject({ type: "startup", command: ["curl", "-f", "localhost"], wait: 30, timeout: 30, attempts: 3 });
    expect(healthcheck({ test: ["CMD-SHELL", "curl -f localhost || exit 1"], interval: 5e9, timeout: 2e9, retries: 10, startPeriod: 20e9 })).toMatchObject({ command: ["/bin/sh", "-c", "curl -f localhost || exit 1"], wait: 7, timeout: 2, attempts: 10 });
  });
  it("may be none", () => {
    expect(checks({ test: ["NONE"] })).toEqual({});
    expect(checksOfImage(config(), 8000, {})).toEqual({});
  });
  it("stands back behind app.json's checks, which are made at the image's port", () => {
    const given = { type: "startup" as const, name: "", path: "/up", httpHeaders: [], scheme: "http" as const, attempts: 1, initialDelay: 0, timeout: 1, wait: 1, warn: false };
    expect(checks({ test: ["CMD", "true"] }, { web: [given, { ...given, port: 9 }] })).toEqual({ web: [{ ...given, port: 8000 }, { ...given, port: 9 }] });
  });
  it("is not all: something must answer at the port", () => {
    expect(checks({ test: ["CMD", "true"] })["web"]?.[1]).toMatchObject({ name: "listening", listening: true, port: 8000 });
  });
});

test.each([
  ["python worker.py --level=3", ["python", "worker.py", "--level=3"]],
  ["  ./serve  ", ["./serve"]],
  ["serve --port $PORT", ["/bin/sh", "-c", "exec serve --port $PORT"]],
  ["echo 'a b'", ["/bin/sh", "-c", "exec echo 'a b'"]],
  ["migrate && serve", ["/bin/sh", "-c", "migrate && serve"]],
  ["A=1 serve", ["/bin/sh", "-c", "A=1 serve"]],
  ["first\nsecond", ["/bin/sh", "-c", "first\nsecond"]],
])("%j is run without a shell where it needs none", (command, words) => {
  expect(argumentsOf(command)).toEqual(words);
});

test("an image's own command is shown as it would be typed", () => {
  expect(shownCommand({ entrypoint: ["/bin/sh", "-c"], command: ["it's here"] })).toBe("/bin/sh -c 'it'\\''s here'");
  expect(shownCommand({ entrypoint: [], command: [] })).toBe("");
});
