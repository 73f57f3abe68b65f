import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';

interface HeadConfig {
  answersHead?: boolean;
}

/** Lets a GET route answer HEAD as well. Other GET routes may have effects (log out, verify an email). */
export const AnswersHead = () => RouteConfig({ answersHead: true } satisfies HeadConfig);

/** Adds the HEAD routes of `@AnswersHead()` and of the documents. */
export function addHeadRoutes(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (route.method !== 'GET') return;
    const { answersHead } = (route.config ?? {}) as HeadConfig;
    if (answersHead || route.url.startsWith('/api/docs')) fastify.route({ ...route, method: 'HEAD' });
  });
}
