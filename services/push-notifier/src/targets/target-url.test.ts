import { expect, test } from 'vitest';
import { checkTarget } from './check-target.ts';
import { hostOf, readTargetUrl } from './target-url.ts';

const strict = { allowPrivate: false };

test.each([
  ['https://push.example.com/wpush/v2/abc?x=1'],
  ['https://push.example.com:8443/'],
  ['https://8.8.8.8/'],
  ['https://[2606:4700:4700::1111]/'],
  ['https://bücher.example/'],
])('%s may be asked', (text) => {
  expect(readTargetUrl(text, strict)).toMatchObject({ ok: true });
});

test.each([
  ['push.example.com', /absolute URL/],
  ['', /absolute URL/],
  ['https://', /absolute URL/],
  ['http://push.example.com/', /begin with https:/],
  ['ftp://push.example.com/', /begin with https:/],
  ['file:///etc/passwd', /begin with https:/],
  ['javascript:alert(1)', /begin with https:/],
  ['https://user@push.example.com/', /user name or a password/],
  ['https://:secret@push.example.com/', /user name or a password/],
  ['https://push.example.com:22/', /port 22/],
  ['https://push.example.com:5432/', /port 5432/],
  ['https://push.example.com:4222/', /port 4222/],
  ['https://push.example.com:0/', /port 0/],
  ['https://push.example.com./', /dot at its end/],
  ['https://localhost/', /public internet/],
  ['https://LOCALHOST/', /public internet/],
  ['https://a.localhost/', /public internet/],
  ['https://printer.local/', /public internet/],
  ['https://metadata.google.internal/', /public internet/],
  ['https://router.home.arpa/', /public internet/],
  ['https://postgres/', /public internet/],
  ['https://127.0.0.1/', /private network/],
  ['https://127.1/', /private network/],
  ['https://2130706433/', /private network/],
  ['https://0x7f.0.0.1/', /private network/],
  ['https://0177.0.0.1/', /private network/],
  ['https://127.0.0.1./', /private network/],
  ['https://①②⑦.0.0.1/', /private network/],
  ['https://0/', /private network/],
  ['https://169.254.169.254/latest/meta-data/', /private network/],
  ['https://[::1]/', /private network/],
  ['https://[::ffff:169.254.169.254]/', /private network/],
  ['https://[0:0:0:0:0:ffff:7f00:1]/', /private network/],
  ['https://[64:ff9b::7f00:1]/', /private network/],
  ['https://[2002:7f00:1::]/', /private network/],
  [`https://push.example.com/${'x'.repeat(2000)}`, /2000 characters/],
  [`https://push.example.com/${'é'.repeat(500)}`, /2000 characters/],
])('%s may not: %s', (text, problem) => {
  expect(readTargetUrl(text, strict)).toEqual({ ok: false, problem: expect.stringMatching(problem) });
});

test('where private addresses are allowed, so is plain HTTP, and nothing else', () => {
  const open = { allowPrivate: true };
  for (const text of ['http://127.0.0.1:8080/', 'http://localhost/', 'https://[::1]/', 'http://receiver/']) {
    expect(readTargetUrl(text, open)).toMatchObject({ ok: true });
  }
  for (const text of ['ftp://127.0.0.1/', 'http://u:p@127.0.0.1/', 'http://127.0.0.1:6379/']) {
    expect(readTargetUrl(text, open)).toMatchObject({ ok: false });
  }
});

test('an IPv6 address is told without its brackets', () => {
  expect(hostOf(new URL('https://[2606:4700:0::1111]:8443/'))).toBe('2606:4700::1111');
});

test('registration is told in words what is wrong, and where', () => {
  expect(checkTarget('https://push.example.com/a', strict).href).toBe('https://push.example.com/a');
  expect(() =>
    checkTarget('https://user:hunter2@push.example.com/', { ...strict, field: '/endpoint' }),
  ).toThrow(
    expect.objectContaining({
      code: 'VALIDATION_ERROR',
      message: 'endpoint must not have a user name or a password in it.',
      errors: [{ field: '/endpoint', message: 'must not have a user name or a password in it' }],
    }),
  );
});
