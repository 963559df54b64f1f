import { expect, test } from "vitest";
import { parseSshKey } from "../../server/domain/ssh-key.ts";

const KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

test("a line of an authorized_keys file is read: type, comment, and the fingerprint that ssh-keygen -l shows", () => {
  expect(parseSshKey(`ssh-ed25519 ${KEY} ann@laptop of mine\n`)).toEqual({ publicKey: `ssh-ed25519 ${KEY} ann@laptop of mine`, comment: "ann@laptop of mine", fingerprint: "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU" });
  expect(parseSshKey(`ssh-ed25519 ${KEY}`)).toMatchObject({ comment: "", publicKey: `ssh-ed25519 ${KEY}` });
});

test.each(["", "ssh-ed25519", `ssh-rsa ${KEY}`, `ssh-dss ${KEY}`, `ssh-ed25519 ${KEY.slice(4)}`, "ssh-ed25519 !!!!", `command="id" ssh-ed25519 ${KEY}`, `ssh-ed25519 ${KEY} a\nssh-ed25519 ${KEY} b`, "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n"])(
  "%j is no public key", (text) => expect(() => parseSshKey(text)).toThrow(/^public_key: must be one line/));
