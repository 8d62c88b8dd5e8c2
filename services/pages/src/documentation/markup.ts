/** Text that is HTML already. Everything else that gets into a page is escaped on the way. */
export interface Markup {
  readonly html: string;
}

type Piece = Markup | string | number | readonly Piece[] | undefined;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Builds HTML: what is put in is escaped unless it is {@link Markup}; lists are joined, undefined is nothing. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup {
  const parts = strings.map((text, index) => text + (index < pieces.length ? render(pieces[index]) : ''));
  return { html: parts.join('') };
}

function render(piece: Piece): string {
  if (piece === undefined) return '';
  if (typeof piece === 'string') return piece.replaceAll(/[&<>"']/g, (sign) => ESCAPES[sign] ?? '');
  if (typeof piece === 'number') return String(piece);
  return 'html' in piece ? piece.html : piece.map(render).join('');
}

/** The little of CommonMark that descriptions use: paragraphs, and code between backticks. */
export function prose(text: string): Markup {
  return html`${text.split(/\n\n+/).map((paragraph) => html`<p>${phrase(paragraph)}</p>`)}`;
}

/** The same within a line. */
export function phrase(text: string): Markup {
  // A doubled backtick holds code that has backticks itself; nothing here does.
  return html`${text
    .split(/`([^`]+)`/)
    .map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** A block of code that is read as it stands. */
export function codeBlock(text: string): Markup {
  return html`<pre><code>${text}</code></pre>`;
}
