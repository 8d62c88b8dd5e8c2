// Comfort for the documentation: the page is complete without it.

const { exampleOrigin } = document.documentElement.dataset;

for (const code of document.querySelectorAll('.command code')) {
  code.textContent = code.textContent.replaceAll(exampleOrigin, location.origin);
}

for (const button of document.querySelectorAll('[data-copy]')) {
  // Absent where the page does not come over HTTPS or from this machine.
  if (navigator.clipboard === undefined) continue;
  button.hidden = false;
  button.addEventListener('click', () => {
    const { textContent } = button.closest('.command').querySelector('code');
    void navigator.clipboard.writeText(textContent).then(() => {
      button.textContent = 'Copied';
      setTimeout(() => {
        button.textContent = 'Copy';
      }, 1500);
    });
  });
}

const find = document.querySelector('[data-find]');
find.hidden = false;
find.addEventListener('input', () => {
  const words = find.value.toLowerCase().split(/\s+/);
  for (const list of document.querySelectorAll('nav ul')) {
    let shown = 0;
    for (const item of list.children) {
      item.hidden = !words.every((word) => item.dataset.words.includes(word));
      if (!item.hidden) shown += 1;
    }
    list.hidden = shown === 0;
    list.previousElementSibling.hidden = shown === 0;
  }
});
