/** `npm run network -- plan`, `sign`, `apply` and `renew`: a running channel brought to what the definition and the disk say. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { common } from '@hyperledger/fabric-protos';
import { updated } from '@telemed-ledger/formats/channel/config-update.ts';
import { renew, renewable } from '@telemed-ledger/network/ca/renewing.ts';
import { type Binaries, requireBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { type Administrator, apply, gather, type Outcome } from '@telemed-ledger/network/fabric/changes/apply.ts';
import { type Changed, namesIn, runningConfiguration } from '@telemed-ledger/network/fabric/changes/configuration.ts';
import { differences } from '@telemed-ledger/network/fabric/changes/difference.ts';
import { nativeOperator, outdated, plannedFor } from '@telemed-ledger/network/fabric/changes/native.ts';
import { changeRefusals, togetherRefusals } from '@telemed-ledger/network/fabric/changes/steps.ts';
import {
  decodeUpdate,
  encodeUpdate,
  type SignedUpdate,
  signed,
  together,
} from '@telemed-ledger/network/fabric/changes/update-file.ts';
import { writeIfDifferent } from '@telemed-ledger/network/fabric/files.ts';
import { hostsOf, type Layout } from '@telemed-ledger/network/fabric/layout.ts';
import { administratorIn, type Material, organisationIn } from '@telemed-ledger/network/fabric/material.ts';
import { alone } from '@telemed-ledger/network/fabric/network.ts';
import { materialOf, settleFoundation, writeAdministrators } from '@telemed-ledger/network/fabric/prepare.ts';
import { UsageError } from '../command-line.ts';
import { deployedFor } from './chaincode.ts';
import { deployedPackage, NO_NETWORK, networkContext } from './context.ts';
import { untilAllEndorse } from './endorsing.ts';

interface Given {
  names: string[];
  /** Organisations whose administrators sign here, separated by commas. */
  org?: string | undefined;
}

/** What differs between the channel and the definition, and the steps from one to the other. Changes nothing but files. */
export async function plan(): Promise<number> {
  const { changed, binaries } = await changeable();
  const { block, group } = await runningConfiguration(changed, binaries);
  const { steps, refusals } = await plannedFor(changed, group);
  for (const refusal of refusals) console.error(`not possible: ${refusal}`);
  console.log(`the channel's configuration is of block ${block}`);
  for (const [index, { about, changes, update, orderer }] of steps.entries()) {
    console.log(`${index + 1}. ${about}`);
    for (const change of changes) console.log(`   ${change}`);
    const { mspIds } = gather(group, { update }, { given: [], own: [] }, new Date());
    console.log(`   signed by administrators of: ${mspIds.map(namesIn(changed.layout).organisationOf).join(', ')}`);
    if (orderer !== undefined) console.log(`   while ${orderer} does not run and the others order`);
  }
  const waiting = await outdated(changed, group);
  if (waiting.length > 0) console.log(`to be started again with the certificates on disk: ${waiting.join(', ')}`);
  if (refusals.length > 0) return 1;
  const isDone = steps.length === 0 && waiting.length === 0;
  console.log(isDone ? 'nothing to do: the channel is as it is defined' : 'next: npm run network -- apply');
  return 0;
}

/** Carries the plan out, with the signatures in the files named and those of the administrators whose keys are here. */
export async function applyChanges({ names, org }: Given): Promise<number> {
  const { changed, binaries } = await changeable();
  const { consortium, layout } = changed;
  const given = names.map((file) => updateIn(consortium.channel, file));
  const own = administratorsHere(changed, org);
  const known = deployedFor({ consortium, layout });
  const untilEndorsed = async (material: Material): Promise<void> => {
    if (deployedPackage(layout) !== undefined) await untilAllEndorse(known, material);
  };
  const operator = nativeOperator(changed, binaries, untilEndorsed);
  const outcome = await alone(layout, () => apply(operator, { given, own }, console.log));
  if (outcome.is === 'unsigned') return report(changed, outcome);
  settleFoundation(consortium, layout);
  rmSync(updateFile(layout), { force: true });
  console.log(
    outcome.steps === 0 ? 'nothing more to do: the channel is as it is defined' : `done: ${outcome.steps} updates`,
  );
  return 0;
}

const updateFile = (layout: Layout): string => join(layout.channelDirectory, 'update.pb');

function report(
  { consortium, layout }: Changed,
  { step, update, mspIds }: Extract<Outcome, { is: 'unsigned' }>,
): number {
  const file = updateFile(layout);
  const before = existsSync(file) ? [updateIn(consortium.channel, file)] : [];
  const isSame = before.every((other) => Buffer.from(other.update).equals(update.update));
  const all = together([update, ...(isSame ? before : [])])!;
  writeIfDifferent(file, encodeUpdate(consortium.channel, all));
  console.log(
    `${step.about}: waits for signatures of administrators of ${mspIds.map(namesIn(layout).organisationOf).join(', ')}`,
  );
  for (const change of step.changes) console.log(`   ${change}`);
  console.log(`send them ${file}: npm run network -- sign FILE --org NAME`);
  console.log('then: npm run network -- apply FILE…');
  return 2;
}

/** Adds an administrator's signature to an update, once it is shown what it changes and that ordering goes on after it. */
export async function sign({ names: [file], org }: Given): Promise<number> {
  if (file === undefined) throw new UsageError('sign takes the file of an update, which apply writes');
  const { changed, binaries } = await changeable();
  const { consortium, layout } = changed;
  const signers = administratorsHere(changed, org);
  if (org === undefined && signers.length > 1) throw new UsageError('--org says who signs: several keys are here');
  const received = updateIn(consortium.channel, file);
  const { group } = await runningConfiguration(changed, binaries);
  const after = updated(group, common.ConfigUpdate.deserializeBinary(received.update));
  for (const line of differences(group, after, namesIn(layout))) console.log(line);
  const refusals = [
    ...changeRefusals(group, after, namesIn(layout), consortium.ordering.toleratedFaults),
    ...togetherRefusals(group, after, namesIn(layout)),
  ];
  if (refusals.length > 0) throw new Error(`not signed:\n${refusals.join('\n')}`);
  const result = signers.reduce<SignedUpdate>(signed, received);
  writeIfDifferent(file, encodeUpdate(consortium.channel, result));
  console.log(
    `signed by the administrator of ${signers.map(({ mspId }) => namesIn(layout).organisationOf(mspId)).join(', ')}`,
  );
  return 0;
}

/** New keys and certificates of nodes, administrators and gateways. */
export async function renewCertificates({ names }: Given): Promise<number> {
  const { consortium, layout } = networkContext();
  const known = renewable(consortium);
  const unknown = names.find((name) => !known.includes(name));
  if (names.length === 0 || unknown !== undefined)
    throw new UsageError(`${unknown === undefined ? 'name one of' : `there is no ${unknown}:`} ${known.join(', ')}`);
  for (const name of names) {
    await alone(layout, () => renew(layout.dataDir, consortium, name, hostsOf(layout.place, consortium)));
    console.log(
      `${name} has new keys and certificates${name.startsWith('gateway-') ? ': start the gateways again' : ''}`,
    );
  }
  writeAdministrators(layout, await materialOf(consortium, layout));
  console.log('next: npm run network -- apply');
  return 0;
}

async function changeable(): Promise<{ changed: Changed; binaries: Binaries }> {
  const { consortium, layout } = networkContext();
  if (!existsSync(layout.genesisBlock)) throw new Error(NO_NETWORK);
  const material = await materialOf(consortium, layout);
  writeAdministrators(layout, material);
  return { changed: { consortium, layout, material }, binaries: await requireBinaries(process.env) };
}

function administratorsHere({ layout, material }: Changed, org: string | undefined): Administrator[] {
  const all = layout.peers.map(({ organisation }) => organisation.name);
  const wanted = org === undefined ? all : org.split(',');
  const unknown = wanted.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no organisation ${unknown}: ${all.join(', ')}`);
  return wanted.map((name) => ({
    mspId: organisationIn(material, name).mspId,
    ...administratorIn(material, name).identity,
  }));
}

/** @throws Error naming the file */
function updateIn(channel: string, file: string): SignedUpdate {
  try {
    return decodeUpdate(channel, readFileSync(file));
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  }
}
