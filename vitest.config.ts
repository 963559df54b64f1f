import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/setup/global-setup.ts",
    // Files that work the Docker Engine dominate the run: more workers than two cores only stretch their timeouts.
    maxWorkers: 2,
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 90_000,
    teardownTimeout: 30_000,
    // What is asked again and again until it holds: a second, the default, is little on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    reporters: ["default"],
  },
});
