import { CheckFault } from './checkup.ts';
import { explainAnswer, explainNoAnswer, readProblem } from './http-probe.ts';

const PASS_UPGRADES =
  'Let the proxy pass upgrades of this path on, over HTTP/1.1, with the headers Upgrade and Connection: ' +
  'deploy/edge/README.md has the lines for nginx.';

/** Why a WebSocket was answered with something else. */
export function explainRefusedUpgrade(
  { status, headers, text }: { readonly status: number; readonly headers: Headers; readonly text: string },
  path: string,
): CheckFault {
  const problem = readProblem(text);
  if (problem?.code === 'BAD_REQUEST' && /upgrade/i.test(problem.message)) {
    return new CheckFault(
      'the request reached Tidewire without its Upgrade: a proxy strips it',
      PASS_UPGRADES,
    );
  }
  if (problem?.code === 'BAD_REQUEST') {
    return new CheckFault(`a proxy changes the request for a WebSocket: ${problem.message}`, PASS_UPGRADES);
  }
  if (status === 101) {
    return new CheckFault('a proxy strips Upgrade of the answer to a request for a WebSocket', PASS_UPGRADES);
  }
  const isRedirect = status >= 300 && status < 400;
  if (problem !== undefined || isRedirect || status === 404 || status >= 500) {
    return explainAnswer({ status, headers, text, problem }, path);
  }
  return new CheckFault(`a proxy answers ${status} itself: it does not pass WebSockets on`, PASS_UPGRADES);
}

/** Why there was no answer to a request for a WebSocket, or one that is none. */
export function explainFailedUpgrade(error: Error, url: string): CheckFault {
  if (/^Invalid (Upgrade|Sec-WebSocket|Connection)/i.test(error.message)) {
    return new CheckFault(
      `a proxy changes the answer to a request for a WebSocket (${error.message})`,
      PASS_UPGRADES,
    );
  }
  const isHungUp = 'code' in error && error.code === 'ECONNRESET';
  if (isHungUp || /socket hang up/.test(error.message)) {
    return new CheckFault('the connection was cut instead of upgraded', PASS_UPGRADES);
  }
  return explainNoAnswer(error, url);
}
