import { expect, test } from "vitest";
import { appHost, appUrl } from "../../server/domain/hostname.ts";

test("an app answers under its name before the platform's domain", () => {
  expect(appHost("my-app", "apps.example.com")).toBe("my-app.apps.example.com");
});

test("the URL shows the router's port where a browser needs it", () => {
  expect(appUrl("my-app", { domain: "localhost" }, 8080)).toBe("http://my-app.localhost:8080/");
  expect(appUrl("my-app", { domain: "localhost" }, 80)).toBe("http://my-app.localhost/");
});

test("the URL over TLS shows its port where a browser needs it", () => {
  expect(appUrl("my-app", { domain: "localhost" }, 8443, "https")).toBe("https://my-app.localhost:8443/");
  expect(appUrl("my-app", { domain: "localhost" }, 443, "https")).toBe("https://my-app.localhost/");
});
