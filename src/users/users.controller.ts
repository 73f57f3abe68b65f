import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, UseGuards } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { success } from '../http/chat-dialect.js';
import { ApiErrors, ApiSuccess } from '../http/openapi.js';
import { type Caller, CallerParam, Public } from '../tokens/caller.js';
import { RegisterDto, SearchUsersQuery, UpdateUserDto, UserDetailDto, UserDto } from './dto/users.dto.js';
import { SelfGuard } from './self.guard.js';
import { UsersService } from './users.service.js';

const ApiUserParam = (description: string) =>
  ApiParam({ name: 'user', description, example: 'alex', type: String });

@ApiTags('users')
@Controller('users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @ApiOperation({
    summary: 'Register a user.',
    description: 'Create a user with given name, email, username and password.',
  })
  @Post()
  @HttpCode(200)
  @Public()
  @ApiSuccess('successfully created user; a verification mail is on its way')
  @ApiErrors({
    400: "field 'password' must be 64 hexadecimal characters",
    409: 'username is already taken',
    413: 'request body is too large',
  })
  async register(@Body() dto: RegisterDto) {
    await this.users.register(dto);
    return success();
  }

  @ApiOperation({
    summary: 'Search for users.',
    description: 'Fuzzy search for users by username to get name; at most 10, the best match first.',
  })
  @Get()
  @ApiSecurity('ApiKey')
  @ApiSuccess('list of users found', [UserDto], [{ name: 'Alex', username: 'alex' }])
  @ApiErrors({ 400: "query parameter 'username' must be present", 401: 'invalid token: jwt expired' })
  async search(@Query() query: SearchUsersQuery) {
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
  @ApiErrors({ 400: "user 'test' does not exist", 401: 'invalid token: jwt expired' })
  async getProfile(@CallerParam() caller: Caller, @Param('user') user: string) {
    return success(await this.users.getProfile(caller, user));
  }

  @ApiOperation({
    summary: 'Update a user.',
    description: 'Their name, password, or email by their username.',
  })
  @Put(':user')
  @UseGuards(SelfGuard)
  @ApiSecurity('ApiKey')
  @ApiUserParam('Username to update')
  @ApiSuccess("successfully updated user's information")
  @ApiErrors({
    400: "field 'email' must have 5 to 254 characters",
    401: 'invalid token: jwt expired',
    403: 'not allowed to modify other users',
    409: 'email is already taken',
    413: 'request body is too large',
  })
  async update(@CallerParam() caller: Caller, @Body() dto: UpdateUserDto) {
    await this.users.update(caller, dto);
    return success();
  }

  @ApiOperation({ summary: 'Delete a user and all their information by username.' })
  @Delete(':user')
  @UseGuards(SelfGuard)
  @ApiSecurity('ApiKey')
  @ApiUserParam('Username to delete')
  @ApiSuccess('successfully deleted user')
  @ApiErrors({
    400: "user 'test' does not exist",
    401: 'invalid token: jwt expired',
    403: 'not allowed to modify other users',
  })
  async erase(@CallerParam() caller: Caller) {
    await this.users.erase(caller);
    return success();
  }
}
