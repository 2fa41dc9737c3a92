/**
 * An error a service answers with: a gRPC status, and per failed peer a gateway.ErrorDetail that travels in the
 * trailer `grpc-status-details-bin`, where the SDK looks for it.
 */
import { Metadata, type StatusObject, type status } from '@grpc/grpc-js';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';

export interface ErrorDetail {
  /** `host:port` of the endpoint that failed. */
  address: string;
  mspId: string;
  message: string;
}

export class GatewayError extends Error {
  readonly code: status;
  readonly errorDetails: ErrorDetail[];

  constructor(code: status, message: string, errorDetails: ErrorDetail[] = []) {
    super(message);
    this.code = code;
    this.errorDetails = errorDetails;
  }

  toStatus(): StatusObject {
    const metadata = new Metadata();
    if (this.errorDetails.length > 0) {
      const details = this.errorDetails.map((detail) =>
        encode(
          [1, 'type.googleapis.com/gateway.ErrorDetail'],
          [2, encode([1, detail.address], [2, detail.mspId], [3, detail.message])],
        ),
      );
      metadata.set('grpc-status-details-bin', encode([1, this.code], [2, this.message], ...repeated(3, details)));
    }
    return { code: this.code, details: this.message, metadata };
  }
}
