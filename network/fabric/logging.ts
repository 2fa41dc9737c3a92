/** What Fabric's programs write to their logs. */

/** Without a line per call, and without those that every call through a peer's gateway leaves at an orderer. */
export const LOGGING = {
  FABRIC_LOGGING_SPEC:
    'info:gossip=warning:grpc=error:comm.grpc.server=warning:endorser=warning:orderer.common.broadcast=error:gateway=warning:orderer.consensus.smartbft=warning',
  FABRIC_LOGGING_FORMAT: '%{time:2006-01-02T15:04:05.000Z07:00} %{level:.4s} [%{module}] %{message}',
};
