// Made from openapi.json by `npm run openapi`.

export interface paths {
    "/api/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Logins in a user.
         * @description Generates an authentication token given a valid username and password.
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Logs out a user.
         * @description Revokes the authentication token.
         */
        get: operations["logout"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/forgot-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Request password reset.
         * @description Sends an email with a token to authenticate the resetting of a password. The answer is the same for an unknown user.
         */
        get: operations["forgotPassword"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/resend-verification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Request another verification mail.
         * @description Sends the mail again to a user whose email is not verified. The answer is the same for an unknown or verified user.
         */
        post: operations["resendVerification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/reset-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reset a user's password.
         * @description Completes the flow. Overwrites the current password of the user, but does not revoke any valid authentication tokens.
         */
        post: operations["resetPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/verify-email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Verify a user's email.
         * @description Marks the user as verified after verifying the token sent in the email. A browser (`Accept: text/html`) gets a page, in case of an error too; any other client gets JSON.
         */
        get: operations["verifyEmail"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search for users.
         * @description Fuzzy search for users by username to get name; at most 10, the best match first.
         */
        get: operations["searchUsers"];
        put?: never;
        /**
         * Register a user.
         * @description Create a user with given name, email, username and password.
         */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Describe a user.
         * @description Get a user's information by their username.
         */
        get: operations["getUser"];
        /**
         * Update a user.
         * @description Their name, password, or email by their username.
         */
        put: operations["updateUser"];
        post?: never;
        /** Delete a user and all their information by username. */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List user's chats.
         * @description All the chats a user is in, the latest activity first, each with its users, its most recent message and its name. With `limit` a page of them; a chat that becomes active while a client pages may be absent from the later pages.
         */
        get: operations["listChats"];
        put?: never;
        /**
         * Create a chat with a name, the specified users and an initial message.
         * @description The caller owns it.
         */
        post: operations["createChat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chats/{chat}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Describe a chat.
         * @description The users in the chat, the most recent message, and the name of the chat by the uuid.
         */
        get: operations["getChat"];
        /**
         * Update a chat's name or the users in it.
         * @description Not all body parameters are required and can be mixed and matched; `mode` and `user` must be sent together. Any member renames and adds; the owner removes anyone, and anyone themself.
         */
        put: operations["updateChat"];
        post?: never;
        /**
         * Delete a chat with its messages and files.
         * @description Its owner may.
         */
        delete: operations["deleteChat"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chats/{chat}/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the users of a chat.
         * @description The longest-standing first, in pages of 100 or of `limit`.
         */
        get: operations["listChatUsers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chats/{chat}/read": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Mark the messages of a chat as read.
         * @description Up to an index. The marker never moves back. Sending a message moves it to that message.
         */
        put: operations["markRead"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chats/{chat}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List messages in chat.
         * @description Split into pages of 100 messages each, oldest first. `before` or `after` instead of `page` reads the window next to a known message, as fast at the end of a long chat as at its start.
         */
        get: operations["listMessages"];
        put?: never;
        /**
         * Send a message to the specified chat.
         * @description It is on disk when the answer comes.
         */
        post: operations["sendMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chats/{chat}/messages/{message}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Describe a message.
         * @description Get all data about a specific message in a chat, by index of message.
         */
        get: operations["getMessage"];
        /**
         * Update a sent message.
         * @description Modify the content of an already sent message.
         */
        put: operations["editMessage"];
        post?: never;
        /**
         * Delete a message from a chat.
         * @description The sender and the chat's owner may.
         */
        delete: operations["deleteMessage"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/files/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a file.
         * @description For members of the chat. Supports conditional requests (`If-None-Match`), single ranges and `HEAD`.
         */
        get: operations["downloadFile"];
        put?: never;
        /**
         * Upload a file.
         * @description Upload the file of a message, once, within a day of sending the message. Images are recognised by their bytes.
         */
        post: operations["uploadFile"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/join_room": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Join Room.
         * @description Join an existing chat room by name. For private rooms, the correct password must be provided. Joining again renews `joined_at`.
         */
        post: operations["joinRoom"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/create_room": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create Room.
         * @description The caller owns it and is its first member.
         */
        post: operations["createRoom"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/leave_room": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Leave Room.
         * @description The room stays, also without members.
         */
        post: operations["leaveRoom"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/rooms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List public rooms.
         * @description All of them by name, or with `limit` a page by id.
         */
        get: operations["listRooms"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/user_rooms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List user's rooms.
         * @description All of them, the one joined last first, or with `limit` a page by id.
         */
        get: operations["listMyRooms"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/room_members/{room_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a room's members.
         * @description A private room's for its members alone.
         */
        get: operations["listRoomMembers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/send_room_message": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Send a message to a room. */
        post: operations["sendRoomMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/get_room_messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a room's messages.
         * @description The newest, or those before an index; oldest first.
         */
        get: operations["listRoomMessages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow what happens in the user's chats.
         * @description With `Accept: text/event-stream` a stream of server-sent events: `ready` first, then the events, and `closed` if the server ends the stream. Otherwise a poll, which answers as soon as there is an event, or when `wait` is over.
         */
        get: operations["followEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chats/{chat}/typing": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell the other members that the user types.
         * @description At most once in 2 s; more calls are accepted and have no effect. Nothing is stored.
         */
        post: operations["tellTyping"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tell whether the process serves.
         * @description For supervisors that restart it. The states are those of the last check.
         */
        get: operations["getLiveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tell whether the server should get requests.
         * @description For load balancers. 503 while the server shuts down, or when its database does not answer within 2 seconds. The states of the storage and of Redis (only with `REDIS_URL`) are told, but do not count, because text messages work without them.
         */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description For programs: the list is closed.
         * @enum {string}
         */
        ErrorCode: "malformed_request" | "invalid_field" | "user_not_found" | "chat_not_found" | "message_not_found" | "file_not_found" | "file_not_uploaded" | "already_a_member" | "not_in_chat" | "link_used" | "link_expired" | "not_an_image" | "room_exists" | "token_missing" | "token_invalid" | "wrong_credentials" | "email_not_verified" | "not_a_member" | "not_allowed" | "password_required" | "wrong_password" | "registration_closed" | "route_not_found" | "room_not_found" | "method_not_allowed" | "username_taken" | "email_taken" | "too_large" | "range_not_satisfiable" | "idempotency_conflict" | "rate_limited" | "internal" | "unavailable" | "storage_full";
        Error: {
            /** @description For programs: the list is closed. */
            code: components["schemas"]["ErrorCode"];
            /** @description The field or parameter at fault, if it is one alone. */
            field?: string;
            /** @enum {string} */
            status: "error";
            /** @description For people; the words may change. */
            reason: string;
        };
        Token: {
            /**
             * @description JWT authentication token, for the `Authorization` header.
             * @example eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.signature
             */
            token: string;
        };
        Login: {
            /**
             * @description Username to login as.
             * @example alex
             */
            username: string;
            /**
             * @description SHA-256 hex digest of password associated with username.
             * @example 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
             */
            password: string;
        };
        ResendVerification: {
            /**
             * @description Username to verify the email of.
             * @example alex
             */
            username: string;
        };
        ResetPassword: {
            /**
             * @description SHA-256 hex digest of new password.
             * @example 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
             */
            password: string;
        };
        Register: {
            /**
             * @description Username to login as: letters, digits, `.`, `_`, `-` of any script; unique whatever its case.
             * @example alex
             */
            username: string;
            /**
             * @description SHA-256 hex digest of password associated with username.
             * @example 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
             */
            password: string;
            /**
             * @description Email to be associated with user; unique whatever its case.
             * @example a@el.x
             */
            email: string;
            /**
             * @description Name associated with user.
             * @example Alex
             */
            name: string;
        };
        User: {
            /** @example Alex */
            name: string;
            /** @example alex */
            username: string;
        };
        UserDetail: {
            /**
             * @description Whether the email is verified; only when the caller looks at itself.
             * @example true
             */
            verified?: boolean;
            /**
             * @description Only when the caller looks at itself.
             * @example a@el.x
             */
            email?: string;
            /** @example Alex */
            name: string;
            /** @example alex */
            username: string;
        };
        UpdateUser: {
            /**
             * @description New name for user.
             * @example Krantz
             */
            name?: string;
            /**
             * @description New email for user, unverified until the link in the mail is followed.
             * @example al@e.x
             */
            email?: string;
            /**
             * @description New SHA-256 hex digest of password.
             * @example 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
             */
            password?: string;
        } | unknown | unknown | unknown;
        File: {
            /**
             * @description Empty for an image that has not been uploaded.
             * @example notes.txt
             */
            filename: string;
            /**
             * Format: uuid
             * @example 7c9e6679-7425-40de-944b-e07fc1f90ae7
             */
            uuid: string;
            /**
             * @description Whether the file has been uploaded.
             * @example true
             */
            used: boolean;
            /**
             * Format: int64
             * @description In bytes. Missing before the upload.
             * @example 1024
             */
            size?: number;
            /**
             * @description Missing before the upload.
             * @example text/plain
             */
            contentType?: string;
        };
        Message: {
            /**
             * @description From 0, fixed for the message's life.
             * @example 0
             */
            index: number;
            /**
             * @example message
             * @enum {string}
             */
            type: "message" | "image" | "file";
            /**
             * @description The text, or an image's caption.
             * @example Some sent message
             */
            message: string;
            /**
             * @description `null` on a text message.
             * @example null
             */
            file: components["schemas"]["File"] | null;
            /**
             * Format: int64
             * @description When it was sent: nanoseconds since the Unix epoch, strictly increasing within a chat.
             * @example 1566456966279980000
             */
            timestamp: number;
            /**
             * Format: int64
             * @description When it was last edited, or `null`.
             * @example null
             */
            edited: number | null;
            sender: components["schemas"]["User"];
        };
        Chat: {
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            uuid: string;
            /**
             * @description How many members there are; only with `limit`.
             * @example 2
             */
            user_count?: number;
            /**
             * @description Messages that the caller has not read; 100 stands for more as well.
             * @example 0
             */
            unread: number;
            /**
             * @description The index up to which the caller has read, or `null`.
             * @example 0
             */
            read: number | null;
            /**
             * @description Username of the owner, or `null` in a room without members.
             * @example alex
             */
            owner: string | null;
            /**
             * @description The room of which this is the chat, or `null`.
             * @example null
             */
            room_id: number | null;
            /** @example Super Awesome Chat */
            name: string;
            /** @description The members, the longest-standing first; with `limit` at most 100. */
            users: components["schemas"]["User"][];
            /** @description The most recent message alone; empty when all were deleted. */
            messages: components["schemas"]["Message"][];
        };
        ChatCreated: {
            /**
             * Format: uuid
             * @description The new chat's uuid.
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            uuid: string;
        };
        CreateChat: {
            /**
             * @description Display name of the chat.
             * @example Super Awesome Chat
             */
            name: string;
            /**
             * @description Users to be added to the chat; the caller is one in any case.
             * @example [
             *       "alex"
             *     ]
             */
            users: string[];
            /**
             * @description Initial message to be sent.
             * @example Some message sent to the chat
             */
            message: string;
        };
        UpdateChat: {
            /**
             * @description New name for the chat.
             * @example New Name
             */
            name?: string;
            /**
             * @description Operation for the modification of users; together with `user`.
             * @example add
             * @enum {string}
             */
            mode?: "add" | "delete";
            /**
             * @description User to modify; together with `mode`.
             * @example alex
             */
            user?: string;
        } | unknown | unknown;
        ReadState: {
            /**
             * @description The marker: the index up to which the caller has read.
             * @example 0
             */
            index: number;
            /**
             * @description Messages after the marker; 100 stands for more as well.
             * @example 0
             */
            unread: number;
        };
        MarkRead: {
            /**
             * @description Index of the last message that was read.
             * @example 0
             */
            index: number;
        };
        MessagePage: {
            /**
             * @description The page asked for; not with `before` or `after`.
             * @example 0
             */
            page?: number;
            /** @example 100 */
            perPage: number;
            messages: components["schemas"]["Message"][];
        };
        Sent: {
            /**
             * @description The new message's index.
             * @example 0
             */
            index: number;
            /**
             * Format: int64
             * @description Nanoseconds since the Unix epoch.
             * @example 1566456966279980000
             */
            timestamp: number;
            /**
             * @description Where to POST the bytes; for an image or a file.
             * @example http://127.0.0.1:3000/api/files/7c9e6679-7425-40de-944b-e07fc1f90ae7
             */
            url?: string;
            /**
             * Format: uuid
             * @description The file's; for an image or a file.
             * @example 7c9e6679-7425-40de-944b-e07fc1f90ae7
             */
            uuid?: string;
        };
        SendText: {
            /**
             * @description Type of message. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "message";
            /**
             * @description The text.
             * @example Hello
             */
            message: string;
        };
        SendImage: {
            /**
             * @description Type of message. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "image";
            /**
             * @description Optional caption of the image.
             * @example A caption
             */
            message?: string;
        };
        SendFile: {
            /**
             * @description Type of message. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            type: "file";
            /**
             * @description The name of the file.
             * @example notes.txt
             */
            filename: string;
        };
        EditMessage: {
            /**
             * @description New message content; a caption may be edited to `""`.
             * @example Some new message
             */
            message: string;
        };
        RoomError: {
            /** @description For programs: the list is closed. */
            code: components["schemas"]["ErrorCode"];
            /** @description The field or parameter at fault, if it is one alone. */
            field?: string;
            /** @description For people; the words may change. */
            error: string;
        };
        JoinRoom: {
            /**
             * @description Name of the room to join. Must match an existing room name exactly.
             * @example General Discussion
             */
            name: string;
            /**
             * @description Password for private rooms. Required if joining a private room.
             * @example secure-password
             */
            password?: string;
        };
        RoomJoined: {
            /** @example john_doe joined room "General Discussion" */
            message: string;
            /** @example 1 */
            room_id: number;
            /**
             * Format: uuid
             * @description The uuid of the room's chat.
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            /** @example General Discussion */
            room_name: string;
        };
        CreateRoom: {
            /**
             * @description The name to join by, 1 to 64 characters, unique.
             * @example General Discussion
             */
            room_name: string;
            /**
             * @description 1: a password is due at each joining. Default: 0.
             * @example 0
             * @enum {integer}
             */
            is_private?: 0 | 1;
            /**
             * @description Required, and not empty, for a private room; a public one ignores it.
             * @example secure-password
             */
            password?: string;
        } | {
            /** @constant */
            is_private?: 0;
        } | {
            password: unknown;
        };
        RoomCreated: {
            /** @example room "General Discussion" created */
            message: string;
            /** @example 1 */
            room_id: number;
            /**
             * Format: uuid
             * @description The uuid of the room's chat.
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
        };
        LeaveRoom: {
            /**
             * @description The room to leave.
             * @example 1
             */
            room_id: number;
        };
        RoomAnswer: {
            /** @example sent */
            message: string;
        };
        PublicRoom: {
            /** @example 1 */
            room_id: number;
            /**
             * @description Whether the caller is in it.
             * @example true
             */
            joined: boolean;
            /** @example General Discussion */
            name: string;
        };
        Rooms: {
            /**
             * @description The cursor of the next page, `null` at the end; only with `limit`.
             * @example null
             */
            next?: string | null;
            /** @description All by name, or a page by id. */
            rooms: components["schemas"]["PublicRoom"][];
        };
        UserRoom: {
            /** @example 1 */
            room_id: number;
            /**
             * @example 0
             * @enum {integer}
             */
            is_private: 0 | 1;
            /**
             * Format: uuid
             * @description The uuid of the room's chat.
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            /**
             * @description Seconds since the Unix epoch, with a fraction.
             * @example 1566456966.27998
             */
            joined_at: number;
            /** @example General Discussion */
            name: string;
        };
        UserRooms: {
            /**
             * @description The cursor of the next page, `null` at the end; only with `limit`.
             * @example null
             */
            next?: string | null;
            /** @description All, the one joined last first, or a page by id. */
            rooms: components["schemas"]["UserRoom"][];
        };
        RoomMembers: {
            /**
             * @description Usernames, the longest-standing member's first.
             * @example [
             *       "alex",
             *       "sam"
             *     ]
             */
            members: string[];
            /**
             * @description The cursor of the next page, `null` at the end; only with `limit`.
             * @example null
             */
            next?: string | null;
        };
        SendRoomMessage: {
            /** @example 1 */
            room_id: number;
            /**
             * @description The text to send.
             * @example Hello
             */
            message: string;
        };
        RoomMessage: {
            /** @example 0 */
            index: number;
            /**
             * @description Seconds since the Unix epoch, with a fraction.
             * @example 1566456966.27998
             */
            created_at: number;
            /** @example 1 */
            room_id: number;
            /** @example alex */
            username: string;
            /** @example Hello */
            message: string;
        };
        RoomMessages: {
            /** @description Oldest first. */
            messages: components["schemas"]["RoomMessage"][];
        };
        ClientFrame: {
            /** @constant */
            type: "hello";
            token?: string;
            since?: string;
        } | {
            /** @constant */
            type: "send";
            id: string;
            chat: string;
            message: string;
        } | {
            /** @constant */
            type: "read";
            id: string;
            chat: string;
            index: number;
        } | {
            /** @constant */
            type: "typing";
            chat: string;
        } | {
            /** @constant */
            type: "ping";
        };
        ReadyFrame: {
            /**
             * @example ready
             * @enum {string}
             */
            type: "ready";
            /**
             * @description Resumes after what is known so far.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description Whether nothing was missed. Otherwise load the chats anew.
             * @example true
             */
            recovered: boolean;
        };
        AckFrame: {
            /**
             * @example ack
             * @enum {string}
             */
            type: "ack";
            /**
             * @description That of the frame which has taken effect.
             * @example 0b8e3c6e-6e0b-4f0e-9d5a-0f6f1f1c2d3e
             */
            id: string;
            /**
             * @example {
             *       "index": 0,
             *       "timestamp": 1566456966279980000
             *     }
             */
            data: components["schemas"]["Sent"] | components["schemas"]["ReadState"];
        };
        ErrorFrame: {
            /** @description For programs: the list is closed. */
            code: components["schemas"]["ErrorCode"];
            /** @description The field or parameter at fault, if it is one alone. */
            field?: string;
            /** @enum {string} */
            type: "error";
            /** @description That of the frame which was refused, if it had one. */
            id?: string;
            /** @description In seconds. */
            retryAfter?: number;
            /** @description For people; the words may change. */
            reason: string;
        };
        PongFrame: {
            /**
             * @example pong
             * @enum {string}
             */
            type: "pong";
        };
        MessageCreatedEvent: {
            /**
             * @description Resumes after this event.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "message.created";
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            data: components["schemas"]["Message"];
        };
        MessageUpdatedEvent: {
            /**
             * @description Resumes after this event.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "message.updated";
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            data: components["schemas"]["Message"];
        };
        MessageDeleted: {
            /**
             * @description The index of the message.
             * @example 0
             */
            index: number;
        };
        MessageDeletedEvent: {
            /**
             * @description Resumes after this event.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "message.deleted";
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            data: components["schemas"]["MessageDeleted"];
        };
        ChatAddedEvent: {
            /**
             * @description Resumes after this event.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "chat.added";
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            data: components["schemas"]["Chat"];
        };
        ChatUpdated: {
            /**
             * @description Username of the owner, or `null` in a room without members.
             * @example alex
             */
            owner: string | null;
            /** @example Super Awesome Chat */
            name: string;
        };
        ChatUpdatedEvent: {
            /**
             * @description Resumes after this event.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "chat.updated";
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            data: components["schemas"]["ChatUpdated"];
        };
        ChatRemoved: {
            /**
             * @description Why the user is no member any more.
             * @example left
             * @enum {string}
             */
            reason: "left" | "removed" | "deleted";
        };
        ChatRemovedEvent: {
            /**
             * @description Resumes after this event.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "chat.removed";
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            data: components["schemas"]["ChatRemoved"];
        };
        Member: {
            user: components["schemas"]["User"];
        };
        MemberAddedEvent: {
            /**
             * @description Resumes after this event.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "member.added";
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            data: components["schemas"]["Member"];
        };
        MemberRemovedEvent: {
            /**
             * @description Resumes after this event.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "member.removed";
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            data: components["schemas"]["Member"];
        };
        ChatReadEvent: {
            /**
             * @description Resumes after this event.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "chat.read";
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            data: components["schemas"]["ReadState"];
        };
        ChatLimitedEvent: {
            /**
             * @description Resumes after this event.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "chat.limited";
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            /** @example {} */
            data: Record<string, never>;
        };
        Typing: {
            /**
             * @description Who types.
             * @example alex
             */
            username: string;
        };
        TypingEvent: {
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            type: "typing";
            /**
             * Format: uuid
             * @example 3e17b51b-01db-4b20-b1f5-95fd054376b7
             */
            chat: string;
            data: components["schemas"]["Typing"];
        };
        Event: components["schemas"]["MessageCreatedEvent"] | components["schemas"]["MessageUpdatedEvent"] | components["schemas"]["MessageDeletedEvent"] | components["schemas"]["ChatAddedEvent"] | components["schemas"]["ChatUpdatedEvent"] | components["schemas"]["ChatRemovedEvent"] | components["schemas"]["MemberAddedEvent"] | components["schemas"]["MemberRemovedEvent"] | components["schemas"]["ChatReadEvent"] | components["schemas"]["ChatLimitedEvent"] | components["schemas"]["TypingEvent"];
        ServerFrame: components["schemas"]["ReadyFrame"] | components["schemas"]["AckFrame"] | components["schemas"]["ErrorFrame"] | components["schemas"]["PongFrame"] | components["schemas"]["Event"];
        StreamReady: {
            /**
             * @description Whether nothing was missed. Otherwise load the chats anew.
             * @example true
             */
            recovered: boolean;
        };
        StreamClosed: {
            /**
             * @description Why the server ends the stream.
             * @example restart
             * @enum {string}
             */
            code: "token_invalid" | "restart" | "too_slow";
        };
        Polled: {
            /**
             * @description What has happened, in each chat in its order.
             * @example []
             */
            events: components["schemas"]["Event"][];
            /**
             * @description Where to go on: the `since` of the next poll.
             * @example 3e17b51b.mi0k2v1c0a.
             */
            id: string;
            /**
             * @description Whether nothing was missed. Otherwise load the chats anew.
             * @example true
             */
            recovered: boolean;
        };
        Health: {
            /**
             * @description Whether the database answers within 2 seconds.
             * @example up
             * @enum {string}
             */
            database: "up" | "down";
            /**
             * @description Whether the folder or bucket of files does.
             * @example up
             * @enum {string}
             */
            storage: "up" | "down";
            /**
             * @description Whether Redis does. Missing without `REDIS_URL`.
             * @example up
             * @enum {string}
             */
            redis?: "up" | "down";
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description Names the request in the log. */
        "x-request-id": string;
        /** @description Seconds to wait before the next try. */
        "Retry-After": number;
        /** @description What is left of the limit, and in how many seconds all of it is. */
        RateLimit: string;
        /** @description The limit, and the seconds that it spans. */
        "RateLimit-Policy": string;
        /** @description Present if the request was a repeat, and this is the first answer. */
        "Idempotency-Replayed": string;
        /** @description The SHA-256 digest of the bytes, in quotes. */
        ETag: string;
        /** @description The file's name. */
        "Content-Disposition": string;
        /** @description Which bytes of the file these are. */
        "Content-Range": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Login"];
            };
        };
        responses: {
            /** @description authentication token along with success status */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["Token"];
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description successfully revoked token */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    forgotPassword: {
        parameters: {
            query: {
                /** @description Username to reset password for. */
                username: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description successfully initiated flow */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    resendVerification: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResendVerification"];
            };
        };
        responses: {
            /** @description successfully initiated flow */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    resetPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResetPassword"];
            };
        };
        responses: {
            /** @description successfully reset password */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    verifyEmail: {
        parameters: {
            query: {
                /** @description The token from the mail. */
                token: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description successfully verified email */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                    /** @example <!doctype html>… */
                    "text/html": string;
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    searchUsers: {
        parameters: {
            query: {
                /** @description Username to search on. */
                username: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description list of users found */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["User"][];
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createUser: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Register"];
            };
        };
        responses: {
            /** @description successfully created user; a verification mail is on its way */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description conflicting value with existing user */
            409: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Username to describe */
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description user information */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["UserDetail"];
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    updateUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Username to update */
                user: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateUser"];
            };
        };
        responses: {
            /** @description successfully updated user's information */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description conflicting value with existing user */
            409: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Username to delete */
                user: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description successfully deleted user */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listChats: {
        parameters: {
            query?: {
                /** @description How many at most; the answer then has `next`, and the chats `user_count`. Default: all chats. */
                limit?: number;
                /** @description The `next` of the page before; together with `limit`. */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description list of chats associated with user */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["Chat"][];
                        /** @example null */
                        next?: string | null;
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createChat: {
        parameters: {
            query?: never;
            header?: {
                /** @description A text of your choice, for instance a UUID. For 24 hours, repeating the request with its key has no further effect and returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateChat"];
            };
        };
        responses: {
            /** @description successfully created chat */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["ChatCreated"];
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the idempotency key belongs to another request */
            422: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getChat: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description uuid of chat */
                chat: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description information about the requested chat, an array of this one chat */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["Chat"][];
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    updateChat: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description uuid of chat */
                chat: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateChat"];
            };
        };
        responses: {
            /** @description successfully updated chat's information */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteChat: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description uuid of chat */
                chat: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description successfully deleted chat */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listChatUsers: {
        parameters: {
            query?: {
                /** @description How many at most; the answer then has `next`. */
                limit?: number;
                /** @description The `next` of the page before; together with `limit`. */
                after?: string;
            };
            header?: never;
            path: {
                /** @description uuid of chat */
                chat: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of the users */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["User"][];
                        /** @example null */
                        next?: string | null;
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    markRead: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description uuid of chat */
                chat: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MarkRead"];
            };
        };
        responses: {
            /** @description the marker and the number of messages after it */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["ReadState"];
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listMessages: {
        parameters: {
            query?: {
                /** @description Page to view; default: 0. Pages count the messages that exist. Not together with `before` or `after`. */
                page?: number;
                /** @description Number of messages to show per page; default: 100. */
                per_page?: number;
                /** @description Instead of `page` or `after`: the messages just before this index. */
                before?: number;
                /** @description Instead of `page` or `before`: the messages just after this index. */
                after?: number;
                /** @description `asc` (default): oldest first; `desc`: newest first. */
                order?: "asc" | "desc";
            };
            header?: never;
            path: {
                /** @description uuid of chat */
                chat: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description list of messages in a chat */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["MessagePage"];
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    sendMessage: {
        parameters: {
            query?: never;
            header?: {
                /** @description A text of your choice, for instance a UUID. For 24 hours, repeating the request with its key has no further effect and returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description uuid of chat */
                chat: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SendText"] | components["schemas"]["SendImage"] | components["schemas"]["SendFile"];
            };
        };
        responses: {
            /** @description successfully sent message */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["Sent"];
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the idempotency key belongs to another request */
            422: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description index of message */
                message: number;
                /** @description uuid of chat */
                chat: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description successfully retrieved message data */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "index": 0,
                     *       "type": "message",
                     *       "sender": {
                     *         "name": "Alex",
                     *         "username": "alex"
                     *       },
                     *       "message": "Some sent message",
                     *       "file": null,
                     *       "timestamp": 1566456966279980000,
                     *       "edited": null
                     *     }
                     */
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    editMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description index of message */
                message: number;
                /** @description uuid of chat */
                chat: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EditMessage"];
            };
        };
        responses: {
            /** @description successfully updated message's information */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteMessage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description index of message */
                message: number;
                /** @description uuid of chat */
                chat: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description successfully deleted message */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    downloadFile: {
        parameters: {
            query?: never;
            header?: {
                /** @description the ETag of the copy that a range completes; if the file has another one, all bytes come */
                "If-Range"?: string;
                /** @description the ETag of a copy at hand */
                "If-None-Match"?: string;
                /** @description a single range of bytes, for instance `bytes=0-1023` */
                Range?: string;
            };
            path: {
                /** @description uuid of file */
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the bytes, with their Content-Type */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Content-Disposition": components["headers"]["Content-Disposition"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /** @example some notes */
                    "application/octet-stream": string;
                };
            };
            /** @description the range of the bytes */
            206: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Content-Range": components["headers"]["Content-Range"];
                    "Content-Disposition": components["headers"]["Content-Disposition"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    /** @example some */
                    "application/octet-stream": string;
                };
            };
            /** @description the copy at hand is current */
            304: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the file has no such range */
            416: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Content-Range": components["headers"]["Content-Range"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    uploadFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description uuid of file */
                file: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": {
                    /** Format: binary */
                    file: string;
                };
            };
        };
        responses: {
            /** @description successfully uploaded file/image */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description no room left to store the file */
            507: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    joinRoom: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JoinRoom"];
            };
        };
        responses: {
            /** @description Successfully joined the room */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "john_doe joined room \"General Discussion\"",
                     *       "room_name": "General Discussion",
                     *       "room_id": 1,
                     *       "chat": "3e17b51b-01db-4b20-b1f5-95fd054376b7"
                     *     }
                     */
                    "application/json": components["schemas"]["RoomJoined"];
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description no such room */
            404: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
        };
    };
    createRoom: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateRoom"];
            };
        };
        responses: {
            /** @description Successfully created the room */
            201: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "room \"General Discussion\" created",
                     *       "room_id": 1,
                     *       "chat": "3e17b51b-01db-4b20-b1f5-95fd054376b7"
                     *     }
                     */
                    "application/json": components["schemas"]["RoomCreated"];
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
        };
    };
    leaveRoom: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LeaveRoom"];
            };
        };
        responses: {
            /** @description Successfully left the room */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "john_doe left room \"General Discussion\""
                     *     }
                     */
                    "application/json": components["schemas"]["RoomAnswer"];
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description no such room */
            404: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
        };
    };
    listRooms: {
        parameters: {
            query?: {
                /** @description How many at most; the answer then has `next`. */
                limit?: number;
                /** @description The `next` of the page before; together with `limit`. */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The public rooms */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "rooms": [
                     *         {
                     *           "room_id": 1,
                     *           "name": "General Discussion",
                     *           "joined": true
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Rooms"];
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
        };
    };
    listMyRooms: {
        parameters: {
            query?: {
                /** @description How many at most; the answer then has `next`. */
                limit?: number;
                /** @description The `next` of the page before; together with `limit`. */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The caller's rooms */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "rooms": [
                     *         {
                     *           "name": "General Discussion",
                     *           "is_private": 0,
                     *           "joined_at": 1566456966.27998,
                     *           "room_id": 1,
                     *           "chat": "3e17b51b-01db-4b20-b1f5-95fd054376b7"
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["UserRooms"];
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
        };
    };
    listRoomMembers: {
        parameters: {
            query?: {
                /** @description How many at most; the answer then has `next`. */
                limit?: number;
                /** @description The `next` of the page before; together with `limit`. */
                after?: string;
            };
            header?: never;
            path: {
                room_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The members' usernames */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "members": [
                     *         "alex",
                     *         "sam"
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["RoomMembers"];
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description no such room */
            404: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
        };
    };
    sendRoomMessage: {
        parameters: {
            query?: never;
            header?: {
                /** @description A text of your choice, for instance a UUID. For 24 hours, repeating the request with its key has no further effect and returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SendRoomMessage"];
            };
        };
        responses: {
            /** @description The message is on disk */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Idempotency-Replayed": components["headers"]["Idempotency-Replayed"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "message": "sent"
                     *     }
                     */
                    "application/json": components["schemas"]["RoomAnswer"];
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description no such room */
            404: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description request body is too large */
            413: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description the idempotency key belongs to another request */
            422: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
        };
    };
    listRoomMessages: {
        parameters: {
            query: {
                room_id: number;
                /** @description Only messages before this index. */
                before?: number;
                /** @description How many at most; default: 100. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The messages */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "messages": [
                     *         {
                     *           "index": 0,
                     *           "username": "alex",
                     *           "message": "Hello",
                     *           "created_at": 1566456966.27998,
                     *           "room_id": 1
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["RoomMessages"];
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description no such room */
            404: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoomError"];
                };
            };
        };
    };
    followEvents: {
        parameters: {
            query?: {
                /** @description The `id` of the last event, of `ready` or of the last poll. Header `Last-Event-ID` wins over it. */
                since?: string;
                /** @description How long a poll waits for an event, in seconds; default: 0. */
                wait?: number;
            };
            header?: {
                /** @description the `id` of the last event */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description what has happened since */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["Polled"];
                    };
                    /**
                     * @example id: 3e17b51b.mi0k2v1c0a.
                     *     event: ready
                     *     retry: 2500
                     *     data: {"recovered":true}
                     */
                    "text/event-stream": string;
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    tellTyping: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description uuid of chat */
                chat: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the other members are told */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description bad authentication token */
            401: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description authenticated but not allowed */
            403: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description too many attempts; try again after Retry-After */
            429: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getLiveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the process serves */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["Health"];
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the server can serve */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @example success
                         * @enum {string}
                         */
                        status: "success";
                        data: components["schemas"]["Health"];
                    };
                };
            };
            /** @description bad input parameter */
            400: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description unexpected error, logged with the request id in header x-request-id */
            500: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description the database, or the storage of files, is unavailable; try again after Retry-After */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    "Retry-After": components["headers"]["Retry-After"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
}
