import { readFileSync } from 'node:fs';

/** Beside its sockets a process has files of its own. */
const OTHER_FILES = 200;

/** @throws Error saying what to do when no process here may have so many sockets. */
export function requireOpenFiles(sockets: number): void {
  const needed = sockets + OTHER_FILES;
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const most = /^Max open files\s+\d+\s+(\d+|unlimited)/m.exec(limits)?.[1] ?? 'unlimited';
  if (most === 'unlimited' || Number(most) >= needed) return;
  throw new Error(
    `${sockets} sockets need ${needed} open files per process and ${most} are allowed: raise it (ulimit -n ${needed}), ` +
      'or give --sockets a smaller number',
  );
}
