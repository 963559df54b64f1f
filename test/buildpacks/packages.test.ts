import { mkdtempSync, rmSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import Docker from "dockerode";
import { pack } from "tar-stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureBuildImage } from "../../server/engine/build-image.ts";
import { createPackageImages } from "../../server/engine/package-images.ts";
import { openWorkbench, type Built, type Workbench } from "./workbench.ts";

const docker = new Docker();
const BASE = `paas-test-packages-base:${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), "packages-"));
let bench: Workbench;

/** Two packages in an archive of the image's own, so that no network is needed; greet's tampers with the certificates, as ca-certificates-java does. */
const MAKE_ARCHIVE = `
mkdir -p /repo && cd /repo && rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* && echo 'deb [trusted=yes] file:/repo ./' >/etc/apt/sources.list
for name in greet part; do
  mkdir -p tree-$name/DEBIAN tree-$name/usr/bin
  printf 'Package: %s\\nVersion: 1\\nArchitecture: all\\nMaintainer: Test <test@example.com>\\nDescription: %s\\n' $name $name >tree-$name/DEBIAN/control
  printf '#!/bin/sh\\necho %s is here\\n' $name >tree-$name/usr/bin/$name
  chmod 755 tree-$name/usr/bin/$name
done
printf '#!/bin/sh\\necho gone >/etc/ssl/certs/ca-certificates.crt\\n' >tree-greet/DEBIAN/postinst && chmod 755 tree-greet/DEBIAN/postinst
for name in greet part; do
  dpkg-deb --build --root-owner-group tree-$name $name.deb
  cat tree-$name/DEBIAN/control; printf 'Filename: ./%s.deb\\nSize: %s\\nSHA256: %s\\n\\n' $name $(stat -c %s $name.deb) $(sha256sum $name.deb | cut -d' ' -f1)
done >Packages.tmp
grep -v '^dpkg-deb' Packages.tmp >Packages
`;
const BUILDPACKS: Record<string, string> = {
  order: "greeter\nparter\nplain\n",
  "greeter/packages.txt": "# says hello\ngreet # at build and at run time\n",
  "greeter/bin/detect": '#!/bin/sh\n[ -f "$1/greet" ] && echo Greeter\n',
  "greeter/bin/compile": '#!/bin/sh\ngreet >"$1/built"\n',
  "parter/packages.txt": "part\n",
  "parter/bin/detect": "#!/bin/sh\necho Parter\n",
  "parter/bin/compile": '#!/bin/sh\n{ part; greet; } >"$1/built"\n',
  "plain/bin/detect": '#!/bin/sh\n[ -f "$1/plain" ] && echo Plain\n',
  "plain/bin/compile": "#!/bin/sh\n! command -v greet\n",
  "lost/packages.txt": "no-such-package\n",
  "lost/bin/detect": "#!/bin/sh\necho Lost\n",
  "shell/packages.txt": "greet; id\n",
};

beforeAll(async () => {
  const usual = await ensureBuildImage(docker, { stackImage: process.env["PAAS_STACK_IMAGE"] ?? "" });
  const archive = pack();
  for (const [path, content] of Object.entries(BUILDPACKS)) {
    const mode = path.includes("/bin/") ? 0o755 : 0o644;
    archive.entry({ name: `opt/paas/buildpacks/${path}`, mode }, content);
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), content);
    await chmod(join(folder, path), mode);
  }
  archive.finalize();
  const container = await docker.createContainer({ Image: usual, Cmd: ["/bin/bash", "-ec", MAKE_ARCHIVE], User: "0:0", NetworkDisabled: true });
  try {
    await container.putArchive(archive as never, { path: "/" });
    await container.start();
    expect(await container.wait()).toMatchObject({ StatusCode: 0 });
    const [repo, tag] = BASE.split(":");
    await container.commit({ repo, tag, changes: "USER 10000:10000" });
  } finally {
    await container.remove({ force: true });
  }
  bench = await openWorkbench({ image: BASE, buildpacks: folder });
});

afterAll(async () => {
  await bench?.close();
  await docker.getImage(BASE).remove({ force: true }).catch(() => undefined);
  await createPackageImages(docker, folder).prune();
  rmSync(folder, { recursive: true });
});

/** The images with packages on this test's base. */
async function made(): Promise<Docker.ImageInfo[]> {
  return docker.listImages({ filters: { reference: ["paas-packages"], label: [`paas.packages-on=${BASE}`] } });
}

const INSTALLING = "-----> Installing the packages of the";
const count = (text: string, part: string): number => text.split(part).length - 1;

describe("a buildpack's packages", () => {
  let first: Built;

  it("are installed once per machine, told to the first build, and there at build and at run time", async () => {
    const tree = { greet: "", Procfile: "web: greet\n" };
    first = await bench.build(tree, { keep: true });
    expect(first.output).toBe(`-----> Building on the Debian-12 stack
-----> Determining which buildpack to use for this app
${INSTALLING} Greeter buildpack (once per machine)...
-----> Greeter app detected
-----> Discovering process types
       Procfile declares types -> web
`);
    expect(first).toMatchObject({ code: 0, out: { chosen: "greeter Greeter\n", buildpack: "Greeter\n" } });
    expect(await first.read("/app/built")).toBe("greet is here\n");
    const dyno = await bench.start(first.image, "exec 2>&1; greet; id -u; ls /var/lib/apt/lists /usr/sbin/policy-rc.d");
    await dyno.ended();
    expect(dyno.output()).toMatch(/^greet is here\n10000\nls: cannot access '\/usr\/sbin\/policy-rc.d'[^\n]*\n\/var\/lib\/apt\/lists:\n$/);

    const second = await bench.build(tree, { last: ["greeter"] });
    expect(second.output).toBe(first.output.replace(/.*once per machine.*\n/, ""));
  });

  it("leave the certificates that builds trust as they are", async () => {
    expect(await first.read("/etc/ssl/certs/ca-certificates.crt")).toContain("BEGIN CERTIFICATE");
  });

  it("of several buildpacks are there together", async () => {
    const built = await bench.build({ greet: "", Procfile: "web: part\n" }, { env: { PAAS_BUILDPACKS: "parter greeter" } });
    expect(built.output).toContain(`       1. parter\n       2. greeter\n${INSTALLING} Parter and Greeter buildpacks (once per machine)...\n-----> Parter app detected\n`);
    expect(count(built.output, "-----> Using buildpacks")).toBe(1);
    expect(built.out["chosen"]).toBe("parter Parter\ngreeter Greeter\n");
  });

  it("are not there for a build that does not ask for them, whatever the app was built with before", async () => {
    const built = await bench.build({ plain: "" }, { env: { PAAS_BUILDPACKS: "plain" }, last: ["greeter"] });
    expect(built.output).toContain("-----> Using buildpack: plain\n-----> Plain app detected\n");
    expect(built).toMatchObject({ code: 0, out: { chosen: "plain Plain\n" } });
  });

  it("that cannot be installed are named with apt's own words, and nothing is left of the try", async () => {
    const before = await made();
    await expect(bench.build({ plain: "" }, { env: { PAAS_BUILDPACKS: "lost" } })).rejects.toMatchObject({
      id: "build_failed",
      message: expect.stringMatching(/^Debian packages could not be installed \(no-such-package\): E: Unable to locate package no-such-package\n.*push again/),
    });
    expect(await made()).toHaveLength(before.length);
    expect(await docker.listContainers({ all: true, filters: { ancestor: [BASE], label: ["paas.kind=build"] } })).toEqual([]);
  });

  it("are asked for by proper names only", async () => {
    await expect(createPackageImages(docker, folder).find(BASE, ["shell"])).rejects.toThrow('packages.txt of shell: "greet; id" is not the name of a Debian package');
  });
});

describe("an image with packages", () => {
  it("is made once for all who ask at the same time", async () => {
    const counted = new Docker();
    const images = createPackageImages(counted, folder);
    const making: string[] = [];
    const { createContainer } = counted;
    counted.createContainer = ((options: Docker.ContainerCreateOptions) => {
      making.push((options.Cmd ?? []).join(" "));
      return createContainer.call(counted, options);
    }) as never;
    const place = { instance: "", appId: "", network: "none" };
    const told: number[] = [];
    const [one, other] = await Promise.all([1, 2].map((number) => images.ensure(BASE, ["parter"], place, () => void told.push(number))));
    expect(one).toBe(other);
    expect(making).toEqual(["/opt/paas/bin/install-packages part"]);
    expect(told.sort()).toEqual([1, 2]);
    expect(await images.ensure(BASE, ["parter"], place, () => void told.push(3))).toBe(one);
    expect(told).toHaveLength(2);
  });

  it("does not take over whose it was while it was made", async () => {
    for (const { Labels } of await made()) expect([Labels["paas.instance"], Labels["paas.kind"], Labels["paas.app"]]).toEqual(["", "", ""]);
  });

  it("is forgotten once its build image is no more, and not before", async () => {
    const images = createPackageImages(docker, folder);
    const gone = `${BASE}-gone`;
    await docker.getImage(BASE).tag({ repo: "paas-test-packages-base", tag: `${process.pid}-gone` });
    const reference = await images.ensure(gone, ["parter"], { instance: "", appId: "", network: "none" }, () => undefined);
    await images.prune();
    expect(await images.find(gone, ["parter"])).toBe(reference);
    await docker.getImage(gone).remove();
    await images.prune();
    expect(await images.find(gone, ["parter"])).toBeUndefined();
    expect(await images.find(BASE, ["greeter"])).toBeDefined();
  });
});
