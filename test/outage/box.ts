import type { RunView } from "../../src/ledger/runs.ts";
import { type SimulatorOptions, startSimulators } from "../../src/simulator/start.ts";
import { environmentOf, startDaemon, temporaryFolder } from "../support/daemon.ts";
import { parsePrometheus, type Sample, sumOf } from "../support/prometheus.ts";
import { until } from "../support/until.ts";

export interface BoxOptions extends SimulatorOptions {
  env?: Readonly<Record<string, string>>;
  folder?: string | undefined;
}

interface StageView {
  name: string;
  state: string;
  paused: string | null;
  waiting: number | null;
  inFlight: number;
}

/** A readiness as /readyz gives it. */
export interface Ready {
  ready: boolean;
  broker: string;
  trouble: string | null;
  upstreams: Record<string, string>;
  stages: StageView[];
  unconsumed: { queue: string; ready: number }[];
}

/** Both simulators and the compiled daemon beside them, with its stages at work. */
export async function startBox({ env = {}, folder = temporaryFolder(), ...options }: BoxOptions = {}) {
  await using opened = new AsyncDisposableStack();
  const simulators = opened.use(await startSimulators(options));
  const daemon = opened.use(await startDaemon({ ...environmentOf(simulators), ...env }, folder));
  const readyz = async () => (await daemon.get("/readyz")).body as unknown as Ready;
  const metrics = async (): Promise<Sample[]> => parsePrometheus(await (await fetch(`${daemon.url}/metrics`)).text());
  await until(() => daemon.output().includes("take work from"), { what: "the stages to take work" });
  const open = opened.move();
  return {
    ...simulators,
    daemon,
    folder,
    readyz,
    metrics,
    stage: async (name: string) => (await readyz()).stages.find((one) => one.name === name),
    sum: async (name: string, labels?: Record<string, string>) =>
      sumOf(await metrics(), `hikvision_sync_${name}`, labels),
    /** Starts a run; resolves with how to look at it. */
    async trigger(body?: object) {
      const { status, body: started } = await daemon.trigger(body, { prefer: "respond-async" });
      if (status !== 202) throw new Error(`the trigger answered ${status}: ${JSON.stringify(started)}`);
      const view = async () => (await daemon.get(`/runs/${started.run}`)).body as unknown as RunView;
      const through = () =>
        until(async () => (await view()).status === "done" && (await view()), {
          timeoutMs: 60_000,
          everyMs: 50,
          what: "the run to be through",
        });
      return { id: String(started.run), view, through };
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
export type Box = Awaited<ReturnType<typeof startBox>>;
