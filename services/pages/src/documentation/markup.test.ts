import { expect, test } from 'vitest';
import { html, phrase, prose } from './markup.ts';

test('what is put into a page is text there, never HTML', () => {
  const name = `<img src=x onerror="alert('&')">`;
  expect(html`<p title="${name}">${name}</p>`.html).toBe(
    '<p title="&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;">' +
      '&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;</p>',
  );
  expect(phrase('a `<b>` c').html).toBe('a <code>&lt;b&gt;</code> c');
});

test('pieces of a page are put together as they are', () => {
  const items = [1, 2].map((number) => html`<li>${number}</li>`);
  expect(html`${items}${undefined}!`.html).toBe('<li>1</li><li>2</li>!');
  expect(prose('one\n\ntwo').html).toBe('<p>one</p><p>two</p>');
});
