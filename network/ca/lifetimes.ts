/** How long certificates are valid, in days. Fabric CA is configured with the same (fabric-ca/server.ts). */

/** Of peers and ordering nodes. */
export const NODE_DAYS = 825;
/** Of users, administrators and registrars. */
export const USER_DAYS = 365;
