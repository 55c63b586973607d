export interface Measured {
  readonly what: string;
  readonly seconds: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  /** Of HikCentral, by name. */
  readonly calls: Readonly<Record<string, number>>;
}

/** Of a process, in user and kernel; 100 ticks are a second. */
export async function cpuMsOf(pid: number): Promise<number> {
  const stat = await Bun.file(`/proc/${pid}/stat`).text();
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export async function peakMbOf(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]) / 1024;
}
