import { readFileSync } from 'node:fs';

/** What a process has used so far. Linux only: elsewhere the figures are undefined. */
export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly residentKilobytes: number;
}

/** Kernel ticks per second in /proc; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Reads CPU time (user and system) and resident memory of a process. */
export function readProcessFigures(pid: number): ProcessFigures | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      residentKilobytes: Number(resident?.[1] ?? Number.NaN),
    };
  } catch {
    return undefined;
  }
}
