/** Everybody's certificates and keys, however they came about, and whose they are. */
import type { PreparedNode, PreparedNodes } from '../ca/nodes.ts';
import type { PreparedConsortium, PreparedOrganisation } from '../ca/organisations.ts';

export interface Material {
  consortium: PreparedConsortium;
  nodes: PreparedNodes;
}

export function organisationIn(material: Material, name: string): PreparedOrganisation {
  const organisation = material.consortium.organisations.find((candidate) => candidate.name === name);
  if (organisation === undefined) throw new Error(`there is no organisation ${name}`);
  return organisation;
}

export function ordererNode(material: Material, name: string): PreparedNode {
  const node = material.nodes.orderers[name];
  if (node === undefined) throw new Error(`there is no orderer ${name}`);
  return node;
}

export function administratorIn(material: Material, organisation: string): PreparedNode {
  const administrator = material.nodes.administrators[organisation];
  if (administrator === undefined) throw new Error(`${organisation} has no administrator`);
  return administrator;
}
