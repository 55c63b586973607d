import { expect, test } from "bun:test";
import fc from "fast-check";
import { Secret } from "../../src/config/secret.ts";
import { failureFor, isSuccess } from "../../src/hikcentral/error-codes.ts";

const appKey = new Secret("29384756");
const meaningOf = (code: string | number) => {
  const failure = failureFor("person/single/add", code, "", appKey);
  return {
    kind: failure.kind,
    code: failure.code,
    ...("reason" in failure ? { reason: failure.reason } : {}),
  };
};
const setup = { kind: "unavailable", reason: "setup" };

test.each([
  ["2", { kind: "reject", code: "incorrect_parameter" }],
  ["128", { kind: "reject", code: "not_found" }],
  ["131", { kind: "reject", code: "already_exists" }],
  ["3", { kind: "retry", code: "hikcentral_busy" }],
  ["4", { kind: "retry", code: "hikcentral_busy" }],
  ["6", { kind: "retry", code: "hikcentral_busy" }],
  ["0x00052101", { kind: "retry", code: "hikcentral_busy" }],
  ["0x00052104", { kind: "retry", code: "hikcentral_busy" }],
  ["5", { kind: "unavailable", reason: "outage", code: "hikcentral_service_exception" }],
  ["8", { ...setup, code: "hikcentral_not_supported" }],
  ["12", { ...setup, code: "hikcentral_not_supported" }],
  ["64", { ...setup, code: "hikcentral_wrong_key" }],
  ["66", { ...setup, code: "hikcentral_refused" }],
  ["68", { ...setup, code: "hikcentral_wrong_signature" }],
  ["69", { ...setup, code: "hikcentral_not_permitted" }],
  ["0x02401001", { ...setup, code: "hikcentral_wrong_key" }],
  ["0x02401003", { ...setup, code: "hikcentral_wrong_signature" }],
  ["0x02401007", { ...setup, code: "hikcentral_not_permitted" }],
  ["0x02401009", { ...setup, code: "hikcentral_call_limit" }],
  ["0x0240100a", { ...setup, code: "hikcentral_refused" }],
  ["132", { ...setup, code: "hikcentral_licence" }],
  ["0x00072203", { ...setup, code: "hikcentral_licence" }],
  ["129", { kind: "reject", code: "hikcentral_device_offline" }],
  ["130", { kind: "reject", code: "hikcentral_no_permission" }],
  ["140", { kind: "reject", code: "hikcentral_operation_failed" }],
  ["195", { kind: "reject", code: "hikcentral_operation_failed" }],
  ["777", { kind: "retry", code: "hikcentral_code_777" }],
  ["0x0FF00001", { kind: "retry", code: "hikcentral_code_0x0ff00001" }],
  ["What?", { kind: "retry", code: "hikcentral_code_what_" }],
])("code %s means %j", (code, meaning) => {
  expect<object>(meaningOf(code)).toEqual(meaning);
});

test("a code as a number means what it means as a text", () => {
  expect(isSuccess(0)).toBe(true);
  expect(isSuccess("0")).toBe(true);
  expect(isSuccess("")).toBe(false);
  expect(isSuccess(" ")).toBe(false);
  expect(meaningOf(131)).toEqual(meaningOf("131"));
  expect(meaningOf(0x02401003)).toEqual(meaningOf("0x02401003"));
});

test("what HikCentral says of it is kept, within bounds", () => {
  const { message } = failureFor(
    "person/single/add",
    "2",
    `Incorrect. [beginTime parameter error]\n${"x".repeat(999)}`,
    appKey,
  );
  expect(message).toContain("person/single/add, code 2: Incorrect. [beginTime parameter error] x");
  expect(message.length).toBeLessThan(300);
});

test("no text of a failure holds a key, a signed text, a signature or a NIK", () => {
  const secrets = [
    "29384756",
    "StringToSign: POST\napplication/json\n/artemis/api",
    "83s1RfUrJMULJKPJMF9WtrLTpCoZv5lZd5DslI6kclo=",
    "3500000000000001",
    "appKey : 1234abcd",
  ];
  const message = fc.array(fc.oneof(fc.constantFrom(...secrets), fc.string()), { maxLength: 6 });
  fc.assert(
    fc.property(message, fc.constantFrom("2", "0x02401003", "5", "777"), (parts, code) => {
      const { message } = failureFor("person/single/add", code, parts.join(" "), appKey);
      expect(message).not.toMatch(/29384756|POST|artemis\/api|83s1RfUr|3500000000000001|1234abcd/);
    }),
  );
});
