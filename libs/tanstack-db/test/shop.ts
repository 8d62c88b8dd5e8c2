import { randomUUID } from 'node:crypto';
import type { Platform } from '@tidewire/test-kit';

/** A table that no other test has, and two people who may do everything with it. */
export interface Shop {
  /** Slug of the table: orders with `status` and `total`. */
  readonly orders: string;
  readonly tokens: { readonly ada: string; readonly bob: string };
}

export async function openShop({ origin, adminToken }: Platform): Promise<Shop> {
  const suffix = randomUUID().slice(0, 8);
  const create = async <Answer = unknown>(what: string, body: object): Promise<Answer> => {
    const response = await fetch(`${origin}/api/${what}`, {
      method: 'POST',
      headers: { 'authorization': `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${what}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  const slug = `shop-${suffix}`;
  const { id: organisation } = await create<{ id: string }>('organisations', { slug, name: slug });
  const orders = `orders-${suffix}`;
  const everybody = ['authenticated'];
  await create('registers', { slug, title: 'Shop' });
  await create('schemas', {
    register: slug,
    slug: orders,
    title: 'Orders',
    authorization: { read: everybody, create: everybody, update: everybody, delete: everybody },
    properties: { status: { type: 'string', enum: ['new', 'shipped'] }, total: { type: 'number' } },
  });
  const tokenOf = async (name: string): Promise<string> => {
    const id = `${name}-${suffix}`;
    const belongs = { organisations: [organisation], activeOrganisation: organisation };
    await create('principals', { id, name, ...belongs, groups: [] });
    return (await create<{ token: string }>('auth/tokens', { principal: id, name })).token;
  };
  return { orders, tokens: { ada: await tokenOf('ada'), bob: await tokenOf('bob') } };
}
