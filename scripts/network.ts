/** `npm run network -- COMMAND`: runs the consortium's Fabric network on this machine from Fabric's own programs. */
import { parseArgs } from 'node:util';
import { runCommand, UsageError } from './command-line.ts';
import { COMMANDS } from './network/commands.ts';

const USAGE = `usage: npm run network -- COMMAND
  up [--ordering bft|raft]  starts what does not run; the first time makes keys and the channel
                            (raft: one ordering node, for measurements; decided the first time)
  deploy                    brings the chaincode to where every organisation can endorse with every other
  status                    every process: port, number, height of its ledger, its part in ordering; what to do next
  certs                     every certificate, days left, what stops when it ends
  down                      ends everything; ledgers stay
  plan                      what differs between the running channel and definition and certificates, and the steps
  apply [FILE…] [--org A,B] carries the plan out; FILEs bring signatures of others, --org names whose keys sign here
                            (default: all that are here)
  sign FILE --org NAME      adds an administrator's signature to the update that apply waits with
  renew NAME…               new keys and certificates of an orderer, peer-ORG, admin-ORG or gateway-ORG; apply puts them
                            to use
  revoke --org NAME FILE|ROLE:USER…
                            takes certificates out of use, given as PEM files or by whose they are
                            (practitioner:Practitioner/…): its gateway heeds it at once, the channel after apply
  restart NAME              ends one process and starts it again
  forget [ORG…]             takes off the peers' disks what their ledgers have purged, one stopped peer at a time
  introduce --org NAME --to DIRECTORY
                            makes the keys of an organisation that is to join, and writes what the others must be told
  take DIRECTORY            takes what another organisation has told of itself, or what export has written
  export --org NAME --to DIRECTORY
                            everything that one organisation needs on its own host, and no key of another
  backup --org NAME --to FILE --recipient age1… | --unencrypted
                            everything of one organisation, while all runs, on either network
  restore FILE --org NAME [--identity FILE]
                            puts it back where that organisation is gone; the rest comes from the others
  logs NAME [--lines N]     the end of one process's log (default 40 lines)
  reset [--yes]             down, and removes ledgers, channel and read models; keys stay
  compose                   writes docker-compose.yaml from the consortium's definition
  check [--containers]      everything that would keep the network from running, at once: as processes of this
                            machine, or by docker compose
Environment: FABRIC_BIN (Fabric's programs; default: the PATH), DATA_DIR (default .data), CONSORTIUM`;

await runCommand(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ordering: { type: 'string' },
      lines: { type: 'string' },
      org: { type: 'string' },
      to: { type: 'string' },
      recipient: { type: 'string', multiple: true },
      identity: { type: 'string', multiple: true },
      unencrypted: { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      containers: { type: 'boolean', default: false },
    },
  });
  const [name, ...names] = positionals;
  const command = COMMANDS[name ?? ''];
  if (command === undefined) throw new UsageError(USAGE);
  return command({ ...values, names });
});
