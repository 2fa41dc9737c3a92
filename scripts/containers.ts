/**
 * The one-shot services of docker-compose.yaml, in their order: `prepare` before anything runs, `setup` when the
 * certificate authorities do, `deploy` when the nodes and the chaincode do. Each finds what it has done before and does
 * only what is missing, so it may be interrupted and run at every `docker compose up`.
 */
import { runCommand, UsageError } from './command-line.ts';
import { deployNetwork } from './containers/deploy.ts';
import { prepareVolumes } from './containers/prepare.ts';
import { setUpNetwork } from './containers/setup.ts';

const STEPS: Record<string, (report: (line: string) => void) => Promise<void>> = {
  prepare: prepareVolumes,
  setup: setUpNetwork,
  deploy: deployNetwork,
};

await runCommand(async () => {
  const step = STEPS[process.argv[2] ?? ''];
  if (step === undefined)
    throw new UsageError(`one of ${Object.keys(STEPS).join(', ')} (docker-compose.yaml runs them)`);
  await step((line) => console.log(line));
  return 0;
});
// A name that was looked up for gRPC keeps a timer of half a minute, whatever is closed.
process.exit();
