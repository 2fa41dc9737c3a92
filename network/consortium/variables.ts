/** The environment variables that say where an organisation is reached on this machine, for processes and containers alike. */

/** What listens on a port. */
export type PortOwner = 'gateway' | 'peer';

/** Changes the port of an organisation's gateway, or of its peer in the embedded network. */
export const portVariable = (organisation: string, owner: PortOwner = 'gateway'): string =>
  `${owner.toUpperCase()}_PORT_${inVariable(organisation)}`;

/** The address of an organisation's gateway, for its clients. */
export const urlVariable = (organisation: string): string => `GATEWAY_URL_${inVariable(organisation)}`;

const inVariable = (organisation: string): string => organisation.toUpperCase().replaceAll('-', '_');
