import { expect, test } from "vitest";
import { parseHerokuYml } from "../../server/domain/heroku-yml.ts";

const parse = (text: string) => parseHerokuYml(Buffer.from(text));

test("a heroku.yml says what is built, with which arguments, and what is run", async () => {
  expect(await parse(`
setup:
  addons: [{ plan: heroku-postgresql }]
build:
  docker:
    web: { dockerfile: ./web/Dockerfile, target: production }
    worker: { dockerfile: web/Dockerfile, target: production }
  config:
    RAILS_ENV: production
    LEVEL: 3
release:
  image: web
  command:
    - ./migrate.sh
run:
  web: bundle exec puma -C config/puma.rb
  worker:
    command: [python, worker.py]
    image: worker
`)).toEqual({
    dockerfile: "web/Dockerfile", target: "production", config: { RAILS_ENV: "production", LEVEL: "3" },
    processTypes: { web: "bundle exec puma -C config/puma.rb", worker: "python worker.py", release: "./migrate.sh" },
  });
});

test("an empty one stands for the Dockerfile at the top", async () => {
  expect(await parse("")).toEqual({ dockerfile: "Dockerfile", target: undefined, config: {}, processTypes: {} });
});

test.each([
  ["build: [", "heroku.yml: is not valid YAML"],
  ["build: 3", "heroku.yml: build must be a mapping"],
  ["build: { docker: { web: ../Dockerfile } }", "heroku.yml: build.docker.web must be the path of a Dockerfile in the repository"],
  ["build: { docker: { web: Dockerfile, worker: other/Dockerfile } }", "heroku.yml: build.docker names more than one image"],
  ["build: { config: { A: [1] } }", "heroku.yml: build.config.A must be a text"],
  ["run: { web: '' }", "heroku.yml: run.web has no command"],
  ["run: { Web: x }", 'heroku.yml: run: "Web" is no process type'],
])("%j is refused by name", async (text, reason) => {
  await expect(parse(text)).rejects.toThrow(reason);
});
