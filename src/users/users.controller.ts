import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiOperation, ApiParam, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { success } from '../http/chat-dialect.js';
import { invalidInput } from '../errors/errors.js';
import { bodyTooLarge } from '../http/error-response.js';
import { ApiAnnouncedLimit } from '../http/answer-headers.js';
import { ApiErrors, ApiSuccess } from '../http/openapi.js';
import type { Origin } from '../http/origin.js';
import { malformedPassword } from '../http/validation.js';
import { limitExceeded } from '../limits/limit-errors.js';
import { type Caller, CallerParam, OriginParam, Public } from '../tokens/caller.js';
import { TOKEN_ERRORS } from '../tokens/token-errors.js';
import { RegisterDto, SearchUsersQuery, UpdateUserDto, UserDetailDto, UserDto } from './dto/users.dto.js';
import { SelfGuard } from './self.guard.js';
import {
  emailTaken,
  notSelf,
  nothingToUpdate,
  registrationClosed,
  usernameTaken,
  userNotFound,
} from './user-errors.js';
import { UsersService } from './users.service.js';

const ApiUserParam = (description: string) =>
  ApiParam({ name: 'user', description, example: 'alex', type: String });

const SELF_ERRORS = [...TOKEN_ERRORS, userNotFound('test'), notSelf()];

@ApiTags('users')
@Controller('users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @ApiOperation({
    summary: 'Register a user.',
    description: 'Create a user with given name, email, username and password.',
  })
  @Post()
  @RouteConfig({ takesTime: true })
  @HttpCode(200)
  @Public()
  @ApiSuccess('successfully created user; a verification mail is on its way')
  @ApiAnnouncedLimit()
  @ApiErrors(
    malformedPassword(),
    usernameTaken(),
    emailTaken(),
    bodyTooLarge(),
    registrationClosed(),
    limitExceeded('registration'),
  )
  async createUser(@Body() dto: RegisterDto, @OriginParam() origin: Origin) {
    await this.users.register(dto, origin);
    return success();
  }

  @ApiOperation({
    summary: 'Search for users.',
    description: 'Fuzzy search for users by username to get name; at most 10, the best match first.',
  })
  @Get()
  @ApiSecurity('ApiKey')
  @ApiSuccess('list of users found', [UserDto], [{ name: 'Alex', username: 'alex' }])
  @ApiErrors(...TOKEN_ERRORS, invalidInput('query parameter', 'username', 'must be present'))
  async searchUsers(@Query() query: SearchUsersQuery) {
    return success(await this.users.search(query.username));
  }

  @ApiOperation({ summary: 'Describe a user.', description: "Get a user's information by their username." })
  @Get(':user')
  @ApiSecurity('ApiKey')
  @ApiUserParam('Username to describe')
  @ApiSuccess('user information', UserDetailDto, {
    name: 'Alex',
    username: 'alex',
    email: 'a@el.x',
    verified: true,
  })
  @ApiErrors(...TOKEN_ERRORS, userNotFound('test'))
  async getUser(@CallerParam() caller: Caller, @Param('user') user: string) {
    return success(await this.users.getProfile(caller, user));
  }

  @ApiOperation({
    summary: 'Update a user.',
    description: 'Their name, password, or email by their username.',
  })
  @Put(':user')
  @RouteConfig({ takesTime: true })
  @UseGuards(SelfGuard)
  @ApiSecurity('ApiKey')
  @ApiUserParam('Username to update')
  @ApiSuccess("successfully updated user's information")
  @ApiErrors(...SELF_ERRORS, malformedPassword(), nothingToUpdate(), emailTaken(), bodyTooLarge())
  async updateUser(@CallerParam() caller: Caller, @Body() dto: UpdateUserDto, @OriginParam() origin: Origin) {
    await this.users.update(caller, dto, origin);
    return success();
  }

  @ApiOperation({ summary: 'Delete a user and all their information by username.' })
  @Delete(':user')
  @UseGuards(SelfGuard)
  @ApiSecurity('ApiKey')
  @ApiUserParam('Username to delete')
  @ApiSuccess('successfully deleted user')
  @ApiErrors(...SELF_ERRORS)
  async deleteUser(@CallerParam() caller: Caller, @OriginParam() origin: Origin) {
    await this.users.erase(caller, origin);
    return success();
  }
}
