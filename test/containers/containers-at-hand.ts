/** Whether this machine can run the compose network: an engine that answers, and the images it is made of. */
import { IMAGES } from '@telemed-ledger/network/fabric/compose/images.ts';
import { type ContainerRuntimeClient, getContainerRuntimeClient, ImageName } from 'testcontainers';

/** What our own images are built from, as their Dockerfiles say. */
const BUILT_FROM = 'node:24-trixie-slim';
const NEEDED = [IMAGES.peer, IMAGES.orderer, IMAGES.authority, IMAGES.database, BUILT_FROM];

/** The reason to skip, or undefined. Images that are not here are pulled, where there is a registry to pull from. */
export async function whyNoContainers(): Promise<string | undefined> {
  if (!process.env['TEST_CONTAINERS']) return 'containers are tested by npm run test:containers';
  let client: ContainerRuntimeClient;
  try {
    client = await getContainerRuntimeClient();
  } catch (error) {
    return `no container engine answers (${(error as Error).message})`;
  }
  const missing: string[] = [];
  for (const image of NEEDED) if (!(await isThere(client, image))) missing.push(image);
  return missing.length === 0 ? undefined : `images that are not here and cannot be pulled: ${missing.join(', ')}`;
}

async function isThere(client: ContainerRuntimeClient, image: string): Promise<boolean> {
  const name = ImageName.fromString(image);
  if (await client.image.exists(name)) return true;
  return client.image.pull(name).then(
    () => true,
    () => false,
  );
}
