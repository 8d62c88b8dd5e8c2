// The page of one's own notifications: whether this browser gets them, of which topics, what changed, and one's other devices.
const DEVICES = '/api/push/devices';
const DEVICE_KEY = 'tidewire-device';
const MOST_TOPICS = 50;

const byId = (id) => document.getElementById(id);
const isSupported = 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(method, path, body) {
  const response = await fetch(path, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (response.status === 204) return undefined;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok)
    throw new Refusal(response.status, answer.message ?? `The server answered ${response.status}.`);
  return answer;
}

function showNotice(text) {
  byId('notice').textContent = text;
}

/** Runs what somebody asked for; the button waits for it, and what goes wrong is said. */
async function act(button, action) {
  button.disabled = true;
  try {
    showNotice((await action()) ?? '');
  } catch (error) {
    if (error.status === 401) showSignIn();
    else showNotice(error.message);
  } finally {
    button.disabled = false;
  }
}

function copy(id) {
  const root = byId(id).content.firstElementChild.cloneNode(true);
  return { root, part: (name) => root.querySelector(`[data-part="${name}"]`) };
}

function fill(list, items, empty) {
  const none = document.createElement('li');
  none.className = 'empty';
  none.textContent = empty;
  list.replaceChildren(...(items.length === 0 ? [none] : items));
}

function showSignIn() {
  byId('content').hidden = true;
  byId('sign-in').hidden = false;
  byId('sign-in').elements.username.focus();
}

async function load() {
  const [{ topics }, { results: devices }] = await Promise.all([
    request('GET', '/api/realtime/topics'),
    request('GET', `${DEVICES}?_limit=50`),
    showChanges(),
  ]);
  byId('sign-in').hidden = true;
  byId('content').hidden = false;
  showDevices(devices);
  showThisBrowser(topics, await findThis(devices));
}

/** This browser's device: the one that was registered here, as long as the browser has its subscription. */
async function findThis(devices) {
  if (!isSupported) return undefined;
  const registration = await navigator.serviceWorker.getRegistration('/');
  const subscription = await registration?.pushManager.getSubscription();
  if (!subscription) return undefined;
  return devices.find(({ id }) => id === localStorage.getItem(DEVICE_KEY));
}

function showThisBrowser(topics, device) {
  const isOn = device !== undefined;
  byId('state').textContent = isOn ? 'on' : 'off';
  byId('state').dataset.on = String(isOn);
  byId('turn-on').textContent = isOn ? 'Save' : 'Turn notifications on';
  byId('turn-off').hidden = !isOn;
  byId('turn-on').disabled = !isSupported;
  byId('this-browser').elements.name.value = device?.name ?? describeBrowser();
  byId('topics').replaceChildren(...topicChoices(topics, new Set(device?.topics)));
  if (!isSupported) {
    showNotice(
      'This browser cannot be notified. On a phone or tablet, add this page to the home screen first.',
    );
  }
}

/** What may be chosen, with what was chosen and is not there any more. */
function topicChoices(topics, chosen) {
  const known = new Set(topics.map(({ topic }) => topic));
  const others = [...chosen].filter((topic) => !known.has(topic)).map((topic) => ({ topic, title: '' }));
  return [...topics, ...others].map(({ topic, title }) => {
    const { root, part } = copy('topic');
    const box = root.querySelector('input');
    box.value = topic;
    box.checked = chosen.has(topic);
    part('title').textContent = title;
    part('topic').textContent = topic;
    return root;
  });
}

function describeBrowser() {
  const brand = navigator.userAgentData?.brands?.find(
    ({ brand: name }) => !/Not.A.Brand|Chromium/.test(name),
  )?.brand;
  const name = brand ?? (/Firefox|Edg|Chrome|Safari/.exec(navigator.userAgent)?.[0] || 'Browser');
  const system = /Android|iPhone|iPad|Windows|Mac OS|Linux/.exec(navigator.userAgent)?.[0];
  return system ? `${name} on ${system}` : name;
}

async function turnOn(form) {
  const topics = [...form.querySelectorAll('[name="topic"]:checked')].map(({ value }) => value);
  if (topics.length === 0) throw new Error('Choose at least one topic.');
  if (topics.length > MOST_TOPICS) throw new Error(`Choose at most ${MOST_TOPICS} topics.`);
  // Asked because somebody pressed the button; a browser would not ask otherwise, nor should it.
  if ((await Notification.requestPermission()) !== 'granted') {
    throw new Error('Your browser does not let this page notify you. Its settings for this site say so.');
  }
  const settings = { name: form.elements.name.value.trim() || null, topics };
  const { id } = await register(settings);
  localStorage.setItem(DEVICE_KEY, id);
  await load();
  return 'This browser will tell you. Send a test below to see how.';
}

async function register(settings) {
  const { publicKey } = await request('GET', '/api/push/vapid');
  await navigator.serviceWorker.register('/push-worker.js');
  const { pushManager } = await navigator.serviceWorker.ready;
  const send = (subscription) =>
    request('POST', DEVICES, { kind: 'web-push', subscription: subscription.toJSON(), ...settings });
  const known = await pushManager.getSubscription();
  if (known !== null && isOf(known, publicKey)) {
    try {
      return await send(known);
    } catch (error) {
      // Somebody else used this browser before.
      if (error.status !== 409) throw error;
    }
  }
  await known?.unsubscribe();
  return send(
    await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: toBytes(publicKey) }),
  );
}

/** Whether a subscription is bound to the key of this server. */
function isOf({ options }, publicKey) {
  const bound = new Uint8Array(options.applicationServerKey ?? []);
  const wanted = toBytes(publicKey);
  return bound.length === wanted.length && bound.every((byte, index) => byte === wanted[index]);
}

function toBytes(base64url) {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

async function turnOff() {
  const id = localStorage.getItem(DEVICE_KEY);
  const registration = await navigator.serviceWorker.getRegistration('/');
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
  localStorage.removeItem(DEVICE_KEY);
  await removeDevice(id);
  return 'This browser tells you nothing any more.';
}

async function removeDevice(id) {
  await request('DELETE', `${DEVICES}/${id}`).catch((error) => {
    if (error.status !== 404) throw error;
  });
  await load();
}

async function showChanges() {
  const { changes, more } = await request('GET', '/api/push/changes');
  const items = changes.toReversed().map(({ topic, time }) => {
    const { root, part } = copy('change');
    part('topic').textContent = topic;
    part('time').dateTime = time;
    part('time').textContent = new Date(time).toLocaleString();
    return root;
  });
  fill(byId('changes'), items, 'Nothing yet.');
  return more ? 'More has changed than is shown here.' : '';
}

function showDevices(devices) {
  const items = devices.map((device) => {
    const { root, part } = copy('device');
    const name = device.name ?? device.host;
    part('name').textContent = name;
    part('here').hidden = device.id !== localStorage.getItem(DEVICE_KEY);
    part('facts').textContent = describeDevice(device);
    part('topics').textContent = device.topics.join(', ');
    part('test').setAttribute('aria-label', `Send a test to ${name}`);
    part('test').addEventListener('click', (event) => act(event.target, () => testDevice(device)));
    part('remove').setAttribute('aria-label', `Remove ${name}`);
    part('remove').addEventListener('click', (event) =>
      act(event.target, async () => {
        await removeDevice(device.id);
        return `${name} was removed.`;
      }),
    );
    return root;
  });
  fill(byId('devices'), items, 'None yet.');
}

function describeDevice({ host, kind, lastDeliveredAt, failures }) {
  const last =
    lastDeliveredAt === null ? 'not told yet' : `told ${new Date(lastDeliveredAt).toLocaleString()}`;
  const failed = failures > 0 ? `, ${failures} not taken since` : '';
  return `${kind === 'web-push' ? 'Web Push' : 'UnifiedPush'} by ${host}, ${last}${failed}`;
}

async function testDevice({ id }) {
  const { message, outcome } = await request('POST', `${DEVICES}/${id}/test`);
  if (outcome === 'gone') await load();
  return message;
}

async function signIn(form) {
  const { username, password } = Object.fromEntries(new FormData(form));
  try {
    await request('POST', '/api/auth/login', { username, password });
  } catch (error) {
    throw error.status === 401 ? new Error('Name or password are wrong.') : error;
  }
  form.reset();
  await load();
}

byId('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  void act(event.submitter, () => signIn(event.target));
});
byId('this-browser').addEventListener('submit', (event) => {
  event.preventDefault();
  void act(byId('turn-on'), () => turnOn(event.target));
});
byId('turn-off').addEventListener('click', (event) => void act(event.target, turnOff));
byId('check').addEventListener('click', (event) => void act(event.target, showChanges));
navigator.serviceWorker?.addEventListener('message', () => void showChanges().catch(() => undefined));

load().catch((error) => {
  if (error.status === 401) showSignIn();
  else showNotice(error.message);
});
