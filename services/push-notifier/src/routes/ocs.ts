const META = { status: 'ok', statuscode: 200, message: 'OK' } as const;

/** The envelope of Nextcloud's OCS, version 2: the status is that of HTTP. */
export function ocsAnswer<Data>(data: Data) {
  return { ocs: { meta: META, data } };
}
