/** Builds and release commands that go on only when a test says so: what it finds them in the middle of lasts, however slow the machine. */

import { docker, type Paas } from "./paas.ts";

const GO = "/tmp/let-go";

/** A command that waits, for a build's script or a release phase. It is known to wait when what stands before it has printed something. */
export const HELD = `until [ -e ${GO} ]; do sleep 0.1; done`;

/** Lets go what waits in the app's containers that run now, dynos apart. */
export async function letGo(paas: Paas, app: string): Promise<void> {
  const { body } = await paas.api<{ id: string }>("GET", `/apps/${app}`);
  const running = (await paas.containers()).filter(({ Labels, State }) => State === "running" && Labels["paas.app"] === body.id && Labels["paas.kind"] !== "dyno");
  for (const { Id } of running) {
    // One whose build is over may go at any time.
    await docker.getContainer(Id).exec({ Cmd: ["touch", GO] }).then((exec) => exec.start({ Detach: true })).catch((error: { statusCode?: number }) => {
      if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
    });
  }
}
