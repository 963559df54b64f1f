import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/setup/global-setup.ts",
    // Files that work the Docker Engine dominate the run: more workers than two cores only stretch their timeouts.
    maxWorkers: 2,
    pool: "forks",
    // For what hangs, not for what is slow: a machine that others work on too takes four times as long.
    testTimeout: 150_000,
    hookTimeout: 150_000,
    teardownTimeout: 30_000,
    // What is asked again and again until it holds: a second, the default, is little on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    reporters: ["default"],
  },
});
