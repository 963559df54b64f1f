/** Two installations on the real engine, and all that they made gone afterwards. */

import { randomUUID } from "node:crypto";
import { engineClient, engineEndpoint } from "../../bin/setup/engine.ts";
import { ensureBuildImage } from "../../server/engine/build-image.ts";
import { createDockerEngine } from "../../server/engine/docker.ts";
import type { Dyno, DynoSpec, Engine } from "../../server/engine/engine.ts";

export const docker = engineClient(engineEndpoint(process.env));

export type Installation = {
  instance: string;
  engine: Engine;
  image: string;
  /** A dyno to start, of one app that all tests share unless they name another (an app's network costs a second under load). */
  spec(command: string, more?: Partial<DynoSpec>): DynoSpec;
  /** Runs a command as a one-off dyno and gives what it printed. */
  output(command: string, more?: Partial<DynoSpec>): Promise<string>;
  /** Resolves when the dyno has printed a line that holds the text. */
  printed(dyno: Dyno, text: string): Promise<void>;
  clear(): Promise<void>;
};

/** An installation with a random name whose engine is prepared. */
export async function install(): Promise<Installation> {
  const instance = randomUUID();
  const stackImage = process.env["PAAS_STACK_IMAGE"] ?? "";
  const engine = createDockerEngine({ instance, stackImage, networkRange: "10.213.0.0/16", openPort: undefined, onWarning: (message, error) => console.error(message, error) });
  await engine.prepare(() => undefined);
  const image = await ensureBuildImage(docker, { stackImage });
  const shared: string = randomUUID();
  const apps = new Set([shared]);
  const spec: Installation["spec"] = (command, more = {}) => {
    const whole: DynoSpec = {
      appId: shared, appName: "test", type: "web", number: 1, releaseVersion: 1, image, command, env: { PORT: "5000" }, memoryMb: 128, fingerprint: "f1", ...more,
    };
    apps.add(whole.appId);
    return whole;
  };
  return {
    instance, engine, image, spec,
    async output(command, more) {
      let all = "";
      await engine.runOnce(spec(command, { type: "run", ...more }), { write: (text) => void (all += text) }, 20_000);
      return all;
    },
    async printed(dyno, text) {
      for (const end = performance.now() + 20_000; !(await engine.lastLines(dyno.id, 50)).some((line) => line.includes(text)); await new Promise((resolve) => setTimeout(resolve, 30)))
        if (performance.now() > end) throw new Error(`${dyno.name} did not print "${text}"`);
    },
    async clear() {
      await Promise.all([...apps].map((appId) => engine.removeApp(appId)));
      await engine.sweep(new Set());
      await engine.sweepImages(() => false);
    },
  };
}
