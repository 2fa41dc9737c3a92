/** A peer's TLS port. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { OrganisationConfig } from '../config.ts';

const MAX_MESSAGE_BYTES = 100 * 1024 * 1024;
const WINDOW_BYTES = 4 * 1024 * 1024;
const HOST = '127.0.0.1';

export function createServer(): Server {
  return new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc-node.flow_control_window': WINDOW_BYTES,
    'grpc.enable_channelz': 0,
  });
}

/**
 * Binds the organisation's port (0: any) and answers `127.0.0.1:port`.
 * @throws Error that names the port and the organisation where it cannot be had.
 */
export async function listen(server: Server, { name, peer }: OrganisationConfig): Promise<string> {
  const credentials = ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(peer.tls.privateKey), cert_chain: Buffer.from(peer.tls.certificate) },
  ]);
  return new Promise((resolve, reject) => {
    server.bindAsync(`${HOST}:${peer.port}`, credentials, (error, port) => {
      if (!error) resolve(`${HOST}:${port}`);
      else reject(new Error(`port ${peer.port} for the peer of ${name} cannot be opened: ${error.message}`));
    });
  });
}
