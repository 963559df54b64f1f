import { expect, test } from "vitest";
import { randomEndpointName } from "../../server/domain/endpoint-name.ts";

test("an endpoint's name is a town and five digits, whatever chance says", () => {
  for (const random of [0, 0.5, 0.999_999_999]) expect(randomEndpointName(() => random)).toMatch(/^[a-z]+-\d{5}$/);
});
