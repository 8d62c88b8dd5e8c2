import { problemSchema } from '@tidewire/contract';
import type { Problem } from '@tidewire/contract';
import { CheckFault } from './checkup.ts';

/** An answer over HTTP, whatever it is. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined unless it is Tidewire that refuses. */
  readonly problem: Problem | undefined;
}

export interface HttpRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/**
 * Sends one request; follows no redirects, which most clients of push do not either.
 *
 * @throws CheckFault when there is no answer.
 */
export async function askHttp(url: string, { body, headers, ...request }: HttpRequest): Promise<HttpAnswer> {
  try {
    const answer = await fetch(url, {
      ...request,
      redirect: 'manual',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, problem: readProblem(text) };
  } catch (error) {
    throw explainNoAnswer(error, url);
  }
}

/** The body of an answer in JSON; undefined when it is something else. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function readProblem(text: string): Problem | undefined {
  const problem = problemSchema.safeParse(readJson(text));
  return problem.success ? problem.data : undefined;
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/;
const NOT_TLS = /^(EPROTO|ERR_SSL_)/;
const HUNG_UP = /^(UND_ERR_SOCKET|ECONNRESET|HPE_)/;

/** Why nothing answered at all, from what the network said. */
export function explainNoAnswer(error: unknown, url: string): CheckFault {
  const { host, protocol } = new URL(url);
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') {
    return new CheckFault(
      `nothing listens at ${host}`,
      'Start Tidewire (“npm start”), or see that its proxy runs and that --url is right.',
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new CheckFault(`there is no host called ${host}`, 'See that --url is right, and what DNS says.');
  }
  if (CERTIFICATE.test(code)) {
    return new CheckFault(
      `the certificate of ${host} is not accepted (${code})`,
      'Clients do not accept it either. Give the proxy one that is in force for this name, with its chain, or let this ' +
        'command know your authority with NODE_EXTRA_CA_CERTS.',
    );
  }
  if (NOT_TLS.test(code)) {
    return new CheckFault(
      `${host} does not speak TLS`,
      `Use an address that begins with http://, or enable TLS.`,
    );
  }
  if (HUNG_UP.test(code)) {
    return new CheckFault(
      `${host} hung up without an answer`,
      protocol === 'http:' || protocol === 'ws:'
        ? 'If that port speaks TLS, use an address that begins with https://. Otherwise look into the proxy’s log.'
        : 'Look into the log of the proxy.',
    );
  }
  const { cause } = error as { cause?: { message?: string } };
  const text = cause?.message ?? (error instanceof Error ? error.message : String(error));
  return new CheckFault(
    `${host} cannot be reached: ${text}`,
    'See that --url is right and the network is up.',
  );
}

/** Of a name with several addresses, what the first of them said. */
function codeOf(error: unknown): string {
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: readonly unknown[] };
  if (cause !== undefined) return codeOf(cause);
  if (typeof code === 'string') return code;
  return errors?.[0] === undefined ? '' : codeOf(errors[0]);
}

/** Why an answer is not the one that was wanted of a path of push. */
export function explainAnswer({ status, headers, text, problem }: HttpAnswer, path: string): CheckFault {
  if (status >= 300 && status < 400) return explainRedirect(headers.get('location'), path);
  if (problem !== undefined) return explainProblem(problem, path);
  if (status === 404 || status === 405) {
    return new CheckFault(
      `${path} is answered ${status} by something that is not Tidewire`,
      'Let the proxy pass all paths of the origin on to Tidewire: push needs /ocs/v2.php, /apps/notify_push, /push and /api.',
    );
  }
  if (status >= 500) {
    return new CheckFault(
      `${path} is answered ${status} by a proxy`,
      'The proxy does not reach Tidewire. See that Tidewire runs and that the proxy has its right address.',
    );
  }
  if (status === 401 || status === 403 || status === 407) {
    return new CheckFault(
      `${path} is answered ${status} by something that is not Tidewire`,
      'A proxy asks for credentials of its own, or refuses: clients of push have none for it.',
    );
  }
  const kind = headers.get('content-type') ?? `${text.length} bytes`;
  return new CheckFault(
    `${path} is answered ${status} with something else (${kind})`,
    'Something that is not Tidewire answers on this path: see what the proxy does with it.',
  );
}

function explainRedirect(location: string | null, path: string): CheckFault {
  const target = location ?? 'nowhere';
  const isTls = target.startsWith('https:');
  return new CheckFault(
    `${path} redirects to ${target}`,
    isTls
      ? 'Use the address with https:// as --url, and as TIDEWIRE_PUBLIC_URL of the installation: clients do not follow.'
      : 'Use the address that it redirects to as --url: clients do not follow.',
  );
}

function explainProblem({ status, code, message, errors = [] }: Problem, path: string): CheckFault {
  const details = errors.slice(0, 3).map((error) => ` ${error.field}: ${error.message}`);
  const text = `${path} is answered ${status}: ${message}${details.join(';')}`;
  if (code === 'UNAUTHORIZED' || code === 'CREDENTIAL_ENDED') {
    return new CheckFault(text, 'Give a credential that is in force: --token, or --user and --password.');
  }
  if (code === 'SERVICE_UNAVAILABLE' || code === 'DRAINING') {
    return new CheckFault(
      text,
      'Is the push notifier running? Its /readyz says what it waits for, and its log what failed.',
    );
  }
  if (code === 'RATE_LIMITED' || code === 'TOO_MANY_CONNECTIONS') {
    return new CheckFault(text, 'Wait a minute, and see who uses up what is allowed.');
  }
  if (code === 'NOT_FOUND') {
    return new CheckFault(
      text,
      'This installation has no such path: is it older than push, or without a notifier?',
    );
  }
  return new CheckFault(text, 'Tidewire refuses this itself: its message says why.');
}
