import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startSimulators } from "../../src/simulator/start.ts";
import { binary } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { folderWith, stageText } from "../support/stage-files.ts";
import { until } from "../support/until.ts";

/** A machine with the binary and what else is named, and nothing else: neither node nor Bun. */
function bareMachine(programs: string[] = []) {
  const folder = temporaryFolder();
  const [bin, cwd] = [join(folder, "bin"), join(folder, "work")];
  for (const made of [bin, cwd]) mkdirSync(made);
  symlinkSync(binary, join(bin, "hikvision-sync"));
  for (const program of programs) symlinkSync(Bun.which(program) ?? program, join(bin, program));
  const run = async (words: string[], env: Record<string, string> = {}) => {
    const child = Bun.spawn(words, {
      cwd,
      env: { PATH: bin, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { exit, out, err, said: `${out}${err}` };
  };
  const tool = (words: string, env?: Record<string, string>) =>
    run([join(bin, "hikvision-sync"), ...words.split(" ")], env);
  return { bin, cwd, run, tool };
}

const simulators = await startSimulators({ people: 4 });
afterAll(() => simulators[Symbol.asyncDispose]());

describe("on a machine without node and Bun", () => {
  test("README's lines add a stage, and the daemon works with it", async () => {
    const machine = bareMachine(["bash", "sed"]);
    const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
    const section = /^## Adding a stage\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(readme)?.[1] ?? "";
    expect(section.trim().split("\n").length).toBeLessThanOrEqual(20);
    const lines = (/```bash\n([\s\S]*?)```/.exec(section)?.[1] ?? "").trim().split("\n");
    const serve = lines.pop() ?? "";
    expect(serve).toContain("hikvision-sync serve");
    const { exit, said } = await machine.run([join(machine.bin, "bash"), "-ec", lines.join("\n")]);
    expect(exit, said).toBe(0);
    expect(said).toMatch(/ok: contract of gate-log[\s\S]* 9 pass\n 0 fail/);

    const command = serve.replace("hikvision-sync serve", "exec hikvision-sync serve");
    const daemon = Bun.spawn([join(machine.bin, "bash"), "-c", command], {
      cwd: machine.cwd,
      env: { ...simulators.env, PATH: machine.bin, HTTP_PORT: "0", STATE_FOLDER: machine.cwd },
      stdout: "pipe",
      stderr: "pipe",
    });
    let output = "";
    const collected = (async () => {
      for await (const bytes of daemon.stdout) output += new TextDecoder().decode(bytes);
    })();
    try {
      await until(() => output.includes("take work from"), { what: `the daemon to start: ${output}` });
      expect(output).toContain(`gate-log ← site_gate_log (${machine.cwd}/stages/gate-log.ts)`);
      const [, url = ""] = /POST (http\S+)/.exec(output) ?? [];
      expect((await fetch(url, { method: "POST" })).status).toBe(200);
      await until(() => output.match(/Has access: person \d+/g)?.length === 4, { what: "the stage to see all four" });
    } finally {
      daemon.kill("SIGTERM");
      expect(await daemon.exited).toBe(0);
      await collected;
    }
  }, 60_000);

  test("`stages new` writes what an editor needs, and says how a changed file is taken up", async () => {
    const { tool, cwd } = bareMachine();
    expect(await tool("stages new feed")).toMatchObject({ exit: 0, err: "" });
    expect(readdirSync(join(cwd, "stages")).sort()).toEqual([".types", "feed.test.ts", "feed.ts", "tsconfig.json"]);
    expect(readFileSync(join(cwd, "stages/feed.ts"), "utf8")).toContain("A restart applies a changed file");
    const next = `Next: set stages.folder = "${cwd}/stages" in the configuration`;
    expect(await tool("stages check")).toMatchObject({ exit: 0, out: expect.stringContaining(next) });
    expect(await tool("stages test feed")).toMatchObject({ exit: 0 });
    // As an editor sees it: with the compiler of this repository, and the stage's own tsconfig.
    const tsc = join(import.meta.dir, "../../node_modules/.bin/tsc");
    const checked = Bun.spawnSync([tsc, "--project", join(cwd, "stages")]);
    expect(checked.stdout.toString()).toBe("");
    expect(await tool("stages new feed")).toMatchObject({ exit: 64, err: expect.stringContaining("already exists") });
    expect(await tool("stages new Feed")).toMatchObject({ exit: 64 });
    expect(await tool("stages new publisher")).toMatchObject({ exit: 64 });
    const typo = await tool("stages new more --after fed");
    expect(typo).toEqual({
      exit: 64,
      out: "",
      err: expect.stringContaining("did you mean feed?"),
      said: expect.anything(),
    });
  }, 60_000);

  test("`stages check` finds a mistake of types with file and line, and one of the contract as well", async () => {
    const { tool, cwd } = bareMachine();
    const odd = stageText("odd", "run({ personId }) { const number: number = personId; return number; },");
    mkdirSync(join(cwd, "stages"));
    writeFileSync(join(cwd, "stages/odd.ts"), odd);
    writeFileSync(
      join(cwd, "stages/named.ts"),
      stageText("other", "async run({}, { hikcentral }) { await hikcentral.personBycode(7); },"),
    );
    const { exit, out, err } = await tool("stages check");
    expect({ exit, out }).toEqual({ exit: 78, out: "" });
    expect(err).toContain(`${cwd}/stages/odd.ts:7: Type 'string' is not assignable to type 'number'`);
    expect(err).toContain(`${cwd}/stages/named.ts:7: Property 'personBycode' does not exist`);
    expect(err).toContain(`${cwd}/stages/named.ts:3: the stage is named other`);
  }, 60_000);

  test("`stages test` fails a stage that breaks what every stage promises, and says which promise", async () => {
    const { tool, cwd } = bareMachine();
    // Each has its own fault or faults; what they lead to besides is not looked at, but for one that has a single one.
    const stages = {
      gossip: "run: (m, { meta, log }) => { log.info('NIK ' + meta.code); return m; },",
      careless: `options: v.object({ key: v.secret() }), run(m, { options }) {
        console.log(options.key.reveal());
        if (!m.privilege_groups.length) throw new Error("x");
        return { ...m, n: Math.random() };
      },`,
      deaf: `options: v.object({ url: v.string() }), async run(m, { options }) {
        if (!(await fetch(options.url)).ok) throw h.reject("failed", "not ok");
      },`,
      wrong: "run: () => ({ personId: 7 }),",
    };
    const broken: Record<keyof typeof stages, string[]> = {
      gossip: ["shows no NIK and no secret"],
      careless: [
        "shows no NIK and no secret",
        "makes a malformed message a dead letter",
        "returns the same and leaves the same behind when it runs twice",
      ],
      deaf: ["stops when it is aborted", "survives that its upstream once answers 503"],
      wrong: ["returns what the stages after it accept"],
    };
    mkdirSync(join(cwd, "stages"));
    writeFileSync(join(cwd, "stages/picky.ts"), stageText("picky", "run() {},", { after: "wrong" }));
    for (const [name, more] of Object.entries(stages))
      writeFileSync(join(cwd, `stages/${name}.ts`), stageText(name, more));
    const examples = { careless: '{ key: "key-of-a-test" }', deaf: "({ upstream }) => ({ url: upstream.url })" };
    for (const [name, options] of Object.entries(examples))
      writeFileSync(join(cwd, `stages/${name}.test.ts`), `export const example = { options: ${options} };\n`);
    const env = { STAGES_CARELESS_KEY: "anything", STAGES_DEAF_URL: "http://127.0.0.1:9" };
    const tested = async ([name, promises]: [string, string[]]) => {
      const { exit, said } = await tool(`stages test ${name}`, env);
      expect({ name, exit }).toEqual({ name, exit: 1 });
      for (const promise of promises) expect(said).toContain(`(fail) ${name} ${promise} [`);
      return said;
    };
    const [gossip = ""] = await Promise.all(Object.entries(broken).map(tested));
    expect(gossip).toContain(" 7 pass\n 1 fail");
    // Readable: not a screen of minified code.
    expect(Math.max(...gossip.split("\n").map(({ length }) => length))).toBeLessThan(200);
    expect(await tool("stages test nobody", env)).toMatchObject({
      exit: 64,
      err: expect.stringContaining("unknown stage nobody"),
    });
  }, 180_000);
});

describe("`stages run`", () => {
  const message = JSON.stringify({ personId: "18945", privilege_groups: ["1", "8"] });
  const calls = stageText(
    "calls",
    'async run(m, { dryRun }) { await fetch("URL/hook?key=1", { method: "POST", body: JSON.stringify({ dryRun }) }); return m; },',
  ).replace("URL", simulators.eposh.origin);
  const folder = folderWith({
    "calls.ts": calls,
    "after.ts": stageText("after", "run() {},", { after: "calls" }),
    "message.json": message,
  });
  const env = { ...simulators.env, STAGES_FOLDER: folder };
  const { tool } = bareMachine();
  const person = () =>
    simulators.hikcentral.seed({ personCode: "3500003101900091", personGivenName: "Budi", personFamilyName: "Contoh" });

  test("prints what a stage sent, in order, and what would be published", async () => {
    const { personId } = person();
    await Bun.write(join(folder, "grant.json"), message.replace("18945", personId));
    const { exit, out } = await tool(`stages run assign-privilege --message ${folder}/grant.json`, env);
    expect(exit).toBe(0);
    const sent = out.split("\n").filter((line) => line.startsWith("sent"));
    expect(sent.map((line) => /\/(\w+) \{.*"privilegeGroupId":"(\d)"/.exec(line)?.slice(1))).toEqual([
      ["addPersons", "1"],
      ["addPersons", "8"],
    ]);
    expect(out).toContain(`site_calls {"personId":"${personId}"`);
    expect(simulators.hikcentral.groups.get("8")?.members.has(personId)).toBe(true);
  });

  test("with --dry-run sends nothing that would change anything, and says what it would be", async () => {
    const writes = simulators.hikcentral.writes.length;
    const employee = { ...[...simulators.eposh.days.values()].flat()[0], identity_number: "3500003101900099" };
    await Bun.write(join(folder, "employee.json"), JSON.stringify({ employee }));
    const { exit, out, err } = await tool(`stages run create-person --message ${folder}/employee.json --dry-run`, env);
    expect({ exit, err }).toEqual({ exit: 0, err: expect.stringContaining("sent successfully") });
    expect(out).toMatch(/would send POST \S+single\/add \{"personCode":"\[nik\]".*characters\)/);
    expect(out).not.toContain("3500003101900099");
    expect(simulators.hikcentral.writes.length).toBe(writes);

    const own = await tool(`stages run calls --message ${folder}/message.json --dry-run`, env);
    expect(own.out).toContain(`would send POST ${simulators.eposh.origin}/hook {"dryRun":true}\n`);
    expect(own.out).toContain("publish    site_after");
  });

  test("ends with 1 and the reason where the stage fails", async () => {
    await Bun.write(join(folder, "odd.json"), "{}");
    const { exit, err } = await tool(`stages run calls --message ${folder}/odd.json`, env);
    const reason = 'the message does not fit calls: personId must be "personId"';
    expect({ exit, err }).toEqual({ exit: 1, err: expect.stringContaining(`\ndead: bad_message: ${reason}`) });
    expect((await tool(`stages run calls --message /nonexistent`, env)).exit).toBe(64);
  });
});

test("`stages` and `stages graph` show where a stage came from and what it comes after", async () => {
  const override = stageText("update-kib", "run: (m) => m,", { queue: "hikvision_update_kib", after: "create-person" });
  const folder = folderWith({
    "update-kib.ts": override,
    "tap.ts": stageText("tap", "run() {},", { after: "publisher" }),
  });
  const { tool } = bareMachine();
  const { out: list } = await tool("stages", { STAGES_FOLDER: folder });
  expect(list).toMatch(new RegExp(`update-kib +hikvision_update_kib +create-person +${folder}/update-kib.ts`));
  expect(list).toMatch(/create-person +\S+ +publisher +built in/);
  const { out: graph } = await tool("stages graph", { STAGES_FOLDER: folder });
  expect(graph).toStartWith("induction ← hikvision_induction.<host>\n");
  expect(graph).toContain("publisher ← hikvision_queue\n   ├─ create-person");
  expect(graph).toContain("   └─ tap ← site_tap\n");
  expect(graph).toMatch(/flowchart TD[\s\S]*s1 -->\|site_tap\| s\d/);
});
