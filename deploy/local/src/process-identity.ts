import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What runs under a process id: enough to tell our own server from a stranger that was given the same number. */
export interface ProcessIdentity {
  /** The arguments joined by one space. */
  commandLine: string;
  /** When it started, in whatever form the system tells it; only good for comparing. */
  startMark: string;
}

function describeOnLinux(pid: number): ProcessIdentity | undefined {
  try {
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
    // The process name (field 2) may hold spaces and brackets: count the fields after its closing bracket.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has no command line left and holds nothing any more: it counts as gone.
    if (commandLine === '' || fields[0] === 'Z') return undefined;
    return { commandLine, startMark: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function describeWithPs(pid: number): ProcessIdentity | undefined {
  const ask = (column: string): string =>
    execFileSync('ps', ['-ww', '-o', `${column}=`, '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const commandLine = ask('command');
    return commandLine === '' ? undefined : { commandLine, startMark: ask('lstart') };
  } catch {
    return undefined;
  }
}

/**
 * Describes the living process `pid`, or answers undefined when there is none (a zombie counts as none).
 * On Windows nobody can be asked without a shell, so the answer there is always undefined and leftovers are
 * reported by the port or file that they hold.
 */
export function describeProcess(pid: number): ProcessIdentity | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  if (process.platform === 'linux') return describeOnLinux(pid);
  if (process.platform === 'win32') return undefined;
  return describeWithPs(pid);
}
