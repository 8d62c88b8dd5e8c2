import type { AnyTables, Client, TableName, TableTypes } from '@tidewire/client';

/**
 * Where an app says once which tables there are; every hook knows them from then on:
 *
 *     import type { Tables } from './tidewire-types.ts';
 *
 *     declare module '@tidewire/react' {
 *       interface Register {
 *         tables: Tables;
 *       }
 *     }
 *
 * Without it every table has every field, and values are `unknown`.
 */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- apps add to it
export interface Register {}

/** The tables that the app registered. */
export type RegisteredTables = Register extends { readonly tables: infer Tables extends TableTypes }
  ? Tables
  : AnyTables;

/** A client of the registered tables; where none are registered, of whatever tables. */
export type RegisteredClient = Register extends { readonly tables: TableTypes }
  ? Client<RegisteredTables>
  : // oxlint-disable-next-line typescript/no-explicit-any -- clients of different tables have no other type in common
    Client<any>;

/** The slug of a table. */
export type RegisteredTable = TableName<RegisteredTables>;

/** Values of a record of the table, by field. */
export type RowOf<Table extends RegisteredTable> = RegisteredTables[Table];

/** A field of the table. */
export type FieldOf<Table extends RegisteredTable> = Extract<keyof RowOf<Table>, string>;
