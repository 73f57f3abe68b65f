import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { success } from '../http/chat-dialect.js';
import { AnswersHead } from '../http/head-routes.js';
import { ApiErrors, ApiErrorsWithoutDatabase, ApiSuccess } from '../http/openapi.js';
import { PublicUncounted } from '../tokens/caller.js';
import { HealthDto } from './dto/health.dto.js';
import { invalidHttp, shuttingDown } from './health-errors.js';
import { Health } from './health.service.js';

const ALL_UP: HealthDto = { database: 'up', storage: 'up' };

@ApiTags('health')
@PublicUncounted()
@Controller('health')
export class HealthController {
  constructor(private readonly health: Health) {}

  @ApiOperation({
    summary: 'Tell whether the process serves.',
    description: 'For supervisors that restart it. The states are those of the last check.',
  })
  @Get('live')
  @AnswersHead()
  @ApiSuccess('the process serves', HealthDto, ALL_UP)
  @ApiErrorsWithoutDatabase(invalidHttp())
  getLiveness() {
    return success(this.health.getLastStates());
  }

  @ApiOperation({
    summary: 'Tell whether the server should get requests.',
    description:
      'For load balancers. 503 while the server shuts down, or when its database does not answer within 2 seconds. The states of the storage and of Redis (only with `REDIS_URL`) are told, but do not count, because text messages work without them.',
  })
  @Get('ready')
  @AnswersHead()
  @ApiSuccess('the server can serve', HealthDto, ALL_UP)
  @ApiErrors(invalidHttp(), shuttingDown())
  async getReadiness() {
    return success(await this.health.requireReady());
  }
}
