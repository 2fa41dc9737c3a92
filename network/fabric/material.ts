/** Everybody's certificates and the keys of those who are run from here, however they came about, and whose they are. */
import type { PublicPart } from '../ca/elsewhere.ts';
import type { PreparedNode, PreparedNodes } from '../ca/nodes.ts';
import type { PreparedConsortium, PreparedOrganisation } from '../ca/organisations.ts';

export interface Material {
  consortium: PreparedConsortium;
  nodes: PreparedNodes;
  /** Of the organisations that are run elsewhere. */
  elsewhere?: readonly PublicPart[];
}

export function organisationIn(material: Material, name: string): PreparedOrganisation {
  const organisation = material.consortium.organisations.find((candidate) => candidate.name === name);
  if (organisation === undefined) throw new Error(`there is no organisation ${name} here`);
  return organisation;
}

/** By what an organisation's members are known, wherever it is run. */
export const authoritiesOf = (
  material: Material,
  name: string,
): Pick<
  PreparedOrganisation,
  'mspId' | 'caCertificate' | 'tlsCaCertificate' | 'tlsCaCertificateFile' | 'revocationLists'
> => material.elsewhere?.find((one) => one.name === name) ?? organisationIn(material, name);

export function ordererNode(material: Material, name: string): PreparedNode {
  const node = material.nodes.orderers[name];
  if (node === undefined) throw new Error(`there is no orderer ${name} here`);
  return node;
}

export function administratorIn(material: Material, organisation: string): PreparedNode {
  const administrator = material.nodes.administrators[organisation];
  if (administrator === undefined) throw new Error(`${organisation} has no administrator`);
  return administrator;
}
