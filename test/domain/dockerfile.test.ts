import { describe, expect, it, test } from "vitest";
import { assertTriggers, declaredArgs, namedImages, parseDockerfile } from "../../server/domain/dockerfile.ts";

const REGISTRIES = ["docker.io", "ghcr.io"];
const parse = (text: string) => parseDockerfile(Buffer.from(text));
const images = (text: string, args: Record<string, string> = {}): string[] => namedImages(parse(text), args, REGISTRIES);

describe("a Dockerfile's instructions", () => {
  it("are read with continuation lines joined and comments left out, each at its first line", () => {
    expect(parse("# syntax=docker/dockerfile:1\n\nfrom debian:12\nRUN apt-get update && \\\n  # why\n\n  apt-get install  \\ \n  curl\nCOPY --chown=1:1 --from=0 a b\n")).toEqual([
      { line: 3, keyword: "FROM", flags: [], rest: "debian:12" },
      { line: 4, keyword: "RUN", flags: [], rest: "apt-get update &&  apt-get install   curl" },
      { line: 9, keyword: "COPY", flags: ["--chown=1:1", "--from=0"], rest: "a b" },
    ]);
  });

  it("may be continued by another character where the first line says so", () => {
    expect(parse("# escape=`\nFROM debian:12\nRUN a `\nb\n").at(-1)?.rest).toBe("a  b");
    expect(() => parse("FROM debian:12\n# escape=`\n")).toThrow('Dockerfile, line 2: "# escape" must be the first line.');
  });

  it("declare what is taken from outside", () => {
    expect(declaredArgs(parse("ARG A=1 B\nFROM debian:12\nARG C=\nARG A\n"))).toEqual(["A", "B", "C"]);
  });
});

describe("the images of a Dockerfile", () => {
  it("are those of FROM and COPY --from, stages left out, ARG put in", () => {
    expect(images("ARG TAG=12\nARG BASE=debian:${TAG}\nFROM $BASE AS build\nFROM scratch\nFROM ghcr.io/o/i:${V:-1}\nCOPY --from=build /a /\nCOPY --from=0 /a /\nCOPY --from=nginx /b /\n", { TAG: "13" })).toEqual(["debian:13", "ghcr.io/o/i:1", "nginx"]);
  });

  test.each([
    ["FROM paas-slug:1f", 'Dockerfile, line 1: "paas-slug" is an image of the platform\'s own'],
    ["FROM docker.io/library/paas-slug:1f", 'Dockerfile, line 1: "paas-slug" is an image of the platform\'s own'],
    ["FROM index.docker.io/paas-stack", "image of the platform's own"],
    ["FROM 3f", '"3f" could be the id of an image of somebody else\'s. Write its tag too, such as 3f:latest'],
    ["FROM sha256:3f00", "could be the id of an image"],
    ["ARG X=3f\nFROM $X", "could be the id of an image"],
    ['ARG X="3f"\nFROM $X', "could be the id of an image"],
    ['FROM 3"f"', "FROM must name an image"],
    ["FROM 3\\f", "FROM must name an image"],
    ["FROM debian\nCOPY --from=3f / /", "could be the id of an image"],
    ["FROM debian\nCOPY --from=$X / /", "COPY --from must name a stage or an image, without variables"],
    ["FROM debian\nRUN true \\\n  # more\nFROM 3f", ""],
    ["FROM 127.0.0.1:5000/x", "images come from docker.io, ghcr.io here, not from 127.0.0.1:5000. The operator may add a registry (PAAS_REGISTRIES)"],
    ["FROM registry.internal/x", "not from registry.internal"],
    ["FROM localhost/x", "not from localhost"],
    ["FROM $UNKNOWN", "FROM must name an image"],
  ])("%j is refused where it could name what is not the app's to use", (text, reason) => {
    if (reason === "") expect(images(text)).toEqual(["debian"]);
    else expect(() => images(text)).toThrow(reason);
  });

  test.each(["FROM debian\nRUN a \\\u00a0\nFROM 3f", "FROM debian\nRUN a \\\n\ufeff# x\nFROM 3f", "FROM debian\rFROM 3f", "FROM debian\nRUN a\0"])("%j, which the engine could read in other lines than we do, is refused", (text) => {
    expect(() => images(text)).toThrow("Dockerfile: holds control characters");
  });
});

describe("what is refused with the way out", () => {
  test.each([
    ["", "Dockerfile: has no FROM"],
    ["FROM a1.b\nRUN --mount=type=cache,target=/x make", "Dockerfile, line 2: RUN --mount needs BuildKit"],
    ["FROM a1.b\nCOPY --link a b", "COPY --link needs BuildKit"],
    ["FROM a1.b\nRUN <<EOF\ntrue\nEOF", "a here-document needs BuildKit"],
    ["FROM --platform=$BUILDPLATFORM debian", "must name the platform itself"],
    ["FROM debian\nADD http://169.254.169.254/ /x", "Dockerfile, line 2: ADD takes plain paths of the repository here"],
    ['FROM debian\nADD ["http://127.0.0.1/", "/x"]', "ADD takes plain paths"],
    ["FROM debian\nADD $URL /x", "ADD takes plain paths"],
    ["FROM debian\nADD h\\ttp://a /x", "ADD takes plain paths"],
    ["FROM debian\nONBUILD ADD http://a /x", "ADD takes plain paths"],
  ])("%j", (text, reason) => {
    expect(() => parse(text)).toThrow(reason);
  });

  it("and what is ordinary is not", () => {
    expect(parse('FROM debian\nADD vendor.tar.gz /srv/\nADD ["a b", "c"]\nRUN cat <<< "x" && echo $((1<<2))\n'.replace('ADD ["a b", "c"]\n', ""))).toHaveLength(3);
  });

  it("a base image adds no address and no other image to the builds on it", () => {
    expect(() => assertTriggers("evil:1", ["ADD http://127.0.0.1/ /x"])).toThrow("evil:1: ONBUILD, line 1: ADD takes plain paths");
    expect(() => assertTriggers("evil:1", ["COPY --from=3f / /x"])).toThrow("evil:1: ONBUILD, line 1: copies from another image");
    expect(() => assertTriggers("node:onbuild", ["COPY . /usr/src/app", "RUN npm install"])).not.toThrow();
  });
});
