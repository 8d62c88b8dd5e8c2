import { replacePrincipal, replaceSchema } from './arrivals.ts';
import type { Random } from './random.ts';
import { GROUPS } from './rules-generator.ts';
import type { Membership, Scopes } from './rights.ts';
import { changeIssuer, signIn } from './foreign-tickets.ts';
import { endOf, endTicket, giveToken, logIn, newPassword, rotate } from './tickets.ts';
import type { Ticket } from './tickets.ts';
import type { World } from './world.ts';

/** One random change of rights; what it was, for the trail. */
export async function changeRights(world: World, random: Random): Promise<string> {
  const change = random.weighted<() => Promise<string>>([
    [5, () => changeRules(world, random)],
    [4, () => changePropertyRules(world, random)],
    [1.5, () => changeRegisterRules(world, random)],
    [5, () => changeMembership(world, random)],
    [3, () => changeActiveOrganisation(world, random)],
    [1, () => changeOrganisations(world, random)],
    [1, () => moveOrganisation(world, random)],
    [2, () => renewCredential(world, random)],
    [3, () => renewConnections(world, random)],
    [0.3, () => changeIssuer(world)],
    [0.5, () => replacePrincipal(world, random)],
    [0.15, () => replaceSchema(world, random)],
  ]);
  return await change();
}

async function changeRules(world: World, random: Random): Promise<string> {
  const schema = random.pick(world.schemas);
  const policy = world.model.rights.policies.get(schema.id);
  const authorization = world.generator.rules(random);
  await world.setPolicy('schema', schema.id, {
    authorization,
    properties: policy?.properties ?? {},
    roles: [],
  });
  return `rules of ${schema.slug}`;
}

async function changePropertyRules(world: World, random: Random): Promise<string> {
  const schema = random.pick(world.schemas);
  const policy = world.model.rights.policies.get(schema.id);
  const properties = world.generator.propertyRules(random);
  await world.setPolicy('schema', schema.id, {
    authorization: policy?.authorization ?? null,
    properties,
    roles: [],
  });
  return `property rules of ${schema.slug}`;
}

async function changeRegisterRules(world: World, random: Random): Promise<string> {
  const { registerId, register } = random.pick(world.schemas);
  await world.setPolicy('register', registerId, {
    authorization: world.generator.rules(random),
    properties: {},
    roles: world.generator.roles(random),
  });
  return `rules of ${register}`;
}

async function changeMembership(world: World, random: Random): Promise<string> {
  const id = random.pick(world.people);
  const { groups, organisations } = world.model.principal(id);
  const all = organisations.flatMap((organisation) => GROUPS.map((group) => ({ organisation, group })));
  const isSame = (a: Membership, b: Membership): boolean =>
    a.organisation === b.organisation && a.group === b.group;
  const membership = random.pick(all);
  const isMember = groups.some((own) => isSame(own, membership));
  await world.setMember(id, membership, !isMember);
  return `${id} ${isMember ? 'leaves' : 'joins'} ${membership.group}`;
}

async function changeActiveOrganisation(world: World, random: Random): Promise<string> {
  const id = random.pick(world.people);
  const { organisations, active } = world.model.principal(id);
  const others = organisations.filter((organisation) => organisation !== active);
  const [most] = world.organisations;
  // Most act where most happens, and hardly anybody for nobody.
  const often = others.find((organisation) => organisation === most && random.chance(0.5));
  const next = others.length === 0 || random.chance(0.04) ? null : (often ?? random.pick(others));
  if (next === active) return changeMembership(world, random);
  const { limits } = world.ticket(id);
  // Whoever may do everything does it itself, where it can.
  if (next !== null && limits === 'null' && random.chance(0.5)) {
    await world.actFor(id, next);
  } else {
    await world.changePrincipal(id, { active: next });
  }
  return `${id} acts for ${next}`;
}

async function changeOrganisations(world: World, random: Random): Promise<string> {
  const id = random.pick(world.people);
  const active = world.anOrganisation(random);
  const others = random.some(world.organisations, 0.5).filter((other) => other !== active);
  const organisations = [active, ...others];
  const groups = organisations.flatMap((organisation) =>
    random.some(GROUPS, 0.4).map((group) => ({ organisation, group })),
  );
  await world.changePrincipal(id, { organisations, groups, active });
  return `${id} belongs to ${organisations.length} organisations`;
}

async function moveOrganisation(world: World, random: Random): Promise<string> {
  const id = random.pick(world.organisations);
  const known = world.model.rights.organisations.get(id)?.parent ?? null;
  const above = random.chance(0.3) ? null : random.pick(world.organisations);
  if (above === known || above === id) return changeMembership(world, random);
  const answer = await world.setParent(id, above);
  return `organisation ${id} moves below ${above}: ${answer.status}`;
}

async function renewCredential(world: World, random: Random): Promise<string> {
  const id = random.pick(world.people);
  const isSession = world.ticket(id).type === 'session';
  if (isSession && random.chance(0.3)) {
    await rotate(world, id);
    return `${id} has another secret`;
  }
  // A new password ends a session as well as its end does.
  if (isSession && random.chance(0.4)) await newPassword(world, random, id);
  else await endTicket(world, id);
  if (random.chance(0.3)) {
    await logIn(world, random, id);
    return `${id} logs in`;
  }
  if (random.chance(0.3)) {
    await signIn(world, id);
    return `${id} signs in elsewhere`;
  }
  await giveToken(world, id, random.chance(0.8) ? null : someScopes(world, random));
  return `${id} has another token`;
}

function someScopes(world: World, random: Random): Scopes {
  return random.pick<Scopes>([
    { actions: ['read'] },
    { actions: ['create', 'update'] },
    { topics: [`register/${random.pick(world.schemas).register}`] },
    { topics: [`organisation/${random.pick(world.organisations)}`], actions: ['read', 'update'] },
  ]);
}

/** Somebody whose sockets are open goes on by another token, and what they lived by before ends. */
async function renewConnections(world: World, random: Random): Promise<string> {
  const credentials = world.sockets.credentials();
  const concerned = world.people.filter((one) => credentials.has(world.ticket(one).credential));
  const id = random.pick(concerned.length === 0 ? world.people : concerned);
  const old = world.ticket(id);
  const known = world.model.rights.credentials.get(old.credential ?? '')?.scopes ?? null;
  const scopes = random.weighted([
    [4, known],
    [2, null],
    [4, someScopes(world, random)],
  ]);
  await giveToken(world, id, scopes);
  const renewed = passOn(world, old, id);
  // Otherwise the end of the one before and the renewal meet.
  if (random.chance(0.7)) await renewed;
  await endOf(world, old);
  return `${id} renews ${await renewed} sockets`;
}

/** Connections of somebody go on by what it uses now. */
export async function passOn(world: World, old: Ticket, id: string): Promise<number> {
  const outcomes = await world.sockets.renew(old, world.ticket(id));
  for (const outcome of outcomes) world.renewals[outcome] += 1;
  return outcomes.length;
}
