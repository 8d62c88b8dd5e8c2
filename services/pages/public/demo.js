// The demo page: two people, one topic, no framework. What a small client has to do is all here: list, subscribe from
// the list's position, apply by version, fetch again on `resync`.
const COLLECTION = '/api/objects/meldingen-register/meldingen';
const TOPIC = 'register/meldingen-register/schema/meldingen';
const STATUSES = ['nieuw', 'in_behandeling', 'afgehandeld'];
const SUBJECTS = ['Losse tegel', 'Omgewaaide boom', 'Volle container', 'Kapotte lamp', 'Verstopte put'];
const KEPT_FRAMES = 40;

const PEOPLE = [
  {
    id: 'alice',
    name: 'Alice',
    rights: 'Handler of Gemeente A: every row of it, with the reporter’s e-mail.',
  },
  { id: 'bob', name: 'Bob', rights: 'Member of Gemeente A: no confidential rows, no e-mail addresses.' },
];

function copy(id) {
  const fragment = document.getElementById(id).content.cloneNode(true);
  const root = fragment.firstElementChild;
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  return { root, part };
}

function showNotice(text) {
  const notice = document.getElementById('notice');
  notice.textContent = text;
  notice.hidden = text === '';
}

async function request(person, method, path, body) {
  const response = await fetch(path, {
    method,
    headers: {
      authorization: `Bearer demo-${person.id}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (response.status === 204) return undefined;
  const answer = await response.json();
  if (!response.ok) throw new Error(`${person.name}: ${answer.message}`);
  return answer;
}

/** One person's side of the page: rows by id, newest version wins. */
class Reader {
  #person;
  #view = copy('reader');
  #rows = new Map();
  #frames = 0;
  #source;

  constructor(person) {
    this.#person = person;
    this.#view.part('name').textContent = person.name;
    this.#view.part('rights').textContent = person.rights;
    this.#view.part('create').addEventListener('click', () => this.#act(() => this.#create()));
    document.getElementById('readers').append(this.#view.root);
  }

  async start() {
    const list = await request(this.#person, 'GET', `${COLLECTION}?_limit=100&_order[_created]=asc`);
    this.#rows = new Map(list.results.map((row) => [row.id, row]));
    this.#draw();
    this.#subscribe(list._position);
  }

  #subscribe(position) {
    this.#source?.close();
    const query = new URLSearchParams({
      topic: TOPIC,
      token: `demo-${this.#person.id}`,
      lastEventId: position,
    });
    const source = new EventSource(`/api/realtime/subscribe?${query}`);
    this.#source = source;
    source.addEventListener('open', () => this.#showState('live', true));
    source.addEventListener('error', () => this.#showState('reconnecting', false));
    for (const name of ['object.created', 'object.updated', 'object.deleted']) {
      source.addEventListener(name, (message) => {
        this.#showFrame(name, message.data);
        this.#apply(JSON.parse(message.data).data);
      });
    }
    source.addEventListener('resync', (message) => {
      this.#showFrame('resync', message.data);
      void this.#act(() => this.start());
    });
    source.addEventListener('end', (message) => {
      this.#showFrame('end', message.data);
      if (!JSON.parse(message.data).reconnect) {
        source.close();
        this.#showState('ended', false);
      }
    });
  }

  #apply(change) {
    if (!change.object) {
      this.#rows.delete(change.uuid);
      this.#draw();
      return;
    }
    const known = this.#rows.get(change.uuid);
    if (known && known._version >= change.object._version) return;
    this.#rows.set(change.uuid, change.object);
    this.#draw(change.uuid);
  }

  #draw(changedId) {
    const items = [...this.#rows.values()].map((row) => this.#rowItem(row, row.id === changedId));
    this.#view.part('rows').replaceChildren(...items);
  }

  #rowItem(row, isFresh) {
    const { root, part } = copy('row');
    part('title').textContent = row.titel;
    part('status').textContent = row.status;
    part('status').dataset.status = row.status;
    part('facts').textContent = [
      row.prioriteit ? `priority ${row.prioriteit}` : '',
      row.melderEmail ?? '',
      `version ${row._version}`,
    ]
      .filter(Boolean)
      .join(' · ');
    const confidential = row.status === 'vertrouwelijk';
    const actions = {
      advance: () => this.#patch(row, STATUSES[(STATUSES.indexOf(row.status) + 1) % STATUSES.length]),
      hide: () => this.#patch(row, confidential ? 'nieuw' : 'vertrouwelijk'),
      remove: () => request(this.#person, 'DELETE', `${COLLECTION}/${row.id}`),
    };
    for (const button of root.querySelectorAll('[data-action]')) {
      if (button.dataset.action === 'hide' && confidential) button.textContent = 'Make public again';
      button.addEventListener('click', () => this.#act(actions[button.dataset.action]));
    }
    if (isFresh) {
      root.classList.add('fresh');
      setTimeout(() => root.classList.remove('fresh'), 50);
    }
    return root;
  }

  #create() {
    const titel = SUBJECTS[Math.floor(Math.random() * SUBJECTS.length)];
    const body = { titel, status: 'nieuw', prioriteit: 1 + Math.floor(Math.random() * 5) };
    return request(this.#person, 'POST', COLLECTION, body);
  }

  #patch(row, status) {
    return request(this.#person, 'PATCH', `${COLLECTION}/${row.id}`, { status, _version: row._version });
  }

  async #act(action) {
    try {
      await action();
      showNotice('');
    } catch (error) {
      showNotice(error.message);
    }
  }

  #showState(text, live) {
    this.#view.part('state').textContent = text;
    this.#view.part('state').dataset.live = String(live);
  }

  #showFrame(name, data) {
    this.#frames += 1;
    this.#view.part('count').textContent = String(this.#frames);
    const item = document.createElement('li');
    const title = document.createElement('b');
    title.textContent = name;
    item.append(title, ` ${data}`);
    const list = this.#view.part('frames');
    list.prepend(item);
    while (list.childElementCount > KEPT_FRAMES) list.lastElementChild.remove();
  }
}

for (const person of PEOPLE) {
  new Reader(person).start().catch((error) => {
    showNotice(`${error.message}. This page shows the demo data; start without --no-demo to have it.`);
  });
}
