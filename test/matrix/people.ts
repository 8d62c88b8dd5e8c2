/** Everybody that the matrix asks for, in the order of its columns. All of them have a token but `nobody`. */
export const PEOPLE = [
  'owner',
  'team',
  'member',
  'away',
  'parent',
  'child',
  'tenant',
  'loner',
  'nobody',
  'admin',
  'token',
] as const;
export type Person = (typeof PEOPLE)[number];

/** The organisations of the matrix: `home` has a parent and a child, `other` has nothing to do with them. */
export const PLACES = ['above', 'home', 'below', 'other'] as const;
export type Place = (typeof PLACES)[number];

export const PARENT_OF: { readonly [place in Place]?: Place } = { home: 'above', below: 'home' };

/** Who somebody is; a person without organisations acts for none. The first organisation is the active one. */
export interface Persona {
  readonly words: string;
  readonly organisations: readonly Place[];
  /** Where it is in the group `team`. */
  readonly team: readonly Place[];
}

/** Principals of the matrix. `token` is a second credential of `team`, `admin` the platform's, `nobody` has none. */
export const PERSONAS: { readonly [person in Person]?: Persona } = {
  owner: {
    words: 'owns the rows; a member of the organisation, in no group',
    organisations: ['home'],
    team: [],
  },
  team: { words: 'in the group `team` of the organisation', organisations: ['home'], team: ['home'] },
  member: { words: 'a member of the organisation, in no group', organisations: ['home'], team: [] },
  away: {
    words: 'a member of the organisation and its `team`, who acts for another organisation now',
    organisations: ['other', 'home'],
    team: ['home'],
  },
  parent: {
    words: 'a member of the parent organisation, in the `team` there',
    organisations: ['above'],
    team: ['above'],
  },
  child: {
    words: 'a member of a child organisation, in the `team` there',
    organisations: ['below'],
    team: ['below'],
  },
  tenant: {
    words: 'a member of an unrelated organisation, in the `team` there',
    organisations: ['other'],
    team: ['other'],
  },
  loner: { words: 'has a credential, and belongs to no organisation', organisations: [], team: [] },
};

/** What the columns that are nobody's of {@link PERSONAS} stand for. */
export const OTHER_WORDS: { readonly [person in Person]?: string } = {
  nobody: 'sends no credential',
  admin: 'an administrator',
  token: 'a token of `team` that is limited to reading in one register (the one without rules)',
};
