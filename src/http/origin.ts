import type { FastifyInstance, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';

/** What is left of a limit, in the terms of draft-ietf-httpapi-ratelimit-headers-10. */
export interface Standing {
  policy: string;
  max: number;
  seconds: number;
  remaining: number;
  /** Seconds until all of it is there again. */
  resetSeconds: number;
}

/** Some proxies write the port behind the address. */
const WITH_PORT = /^(?:\[([^\]]+)\]|([\d.]+)):\d+$/;

/** Where a call comes from. */
export class Origin {
  readonly address: string;
  /** Who calls, once the token is known to be good. */
  userId?: number;
  /** Set by the limit that the answer announces. */
  standing?: Standing;

  constructor(
    address: string,
    readonly requestId: string,
  ) {
    const [, ipv6, ipv4] = WITH_PORT.exec(address) ?? [];
    this.address = ipv6 ?? ipv4 ?? address;
  }

  /** What counts as one address: an IPv4 address, or the /64 of an IPv6 address. */
  get network(): string {
    // A proxy may also write a name, for instance `unknown`.
    if (!ipaddr.isValid(this.address)) return this.address;
    const address = ipaddr.process(this.address);
    if (address.kind() === 'ipv4') return address.toString();
    return `${(address as ipaddr.IPv6).parts
      .slice(0, 4)
      .map((part) => part.toString(16))
      .join(':')}::/64`;
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    origin: Origin;
  }
}

/** Gives each request its origin, and announces the state of limits in the answer's headers. */
export function trackOrigins(fastify: FastifyInstance): void {
  fastify.decorateRequest('origin');
  fastify.addHook('onRequest', (request, _reply, done) => {
    request.origin = new Origin(request.ip, request.id);
    done();
  });
  fastify.addHook('onSend', (request: FastifyRequest, reply, payload, done) => {
    void reply.header('x-request-id', request.id);
    // An address that Fastify cannot parse is answered without the first hook.
    const standing = (request.origin as Origin | undefined)?.standing;
    if (standing) {
      const { policy, max, seconds, remaining, resetSeconds } = standing;
      void reply.header('ratelimit-policy', `"${policy}";q=${max};w=${seconds}`);
      void reply.header('ratelimit', `"${policy}";r=${remaining};t=${resetSeconds}`);
    }
    done(null, payload);
  });
}
