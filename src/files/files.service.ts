import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { ParleyError, tooMuchUnderWay } from '../errors/errors.js';
import { Settings } from '../config/settings.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { LockedChat } from '../membership/locked-chat.js';
import { type ChatAccess, Membership } from '../membership/membership.service.js';
import type { Caller } from '../tokens/caller.js';
import { ContentInspector } from './content.js';
import {
  fileNotFound,
  fileNotUploaded,
  linkExpired,
  linkUsed,
  notAnImage,
  notTheUploader,
  uploadInterrupted,
} from './file-errors.js';
import type { FilePart } from './file-parts.js';
import { type FileRow, FilesRepository, isLinkExpired, type StoredContent } from './files.repository.js';
import { type ByteRange, Storage } from './storage/storage.js';

export type StoredFile = FileRow & { storage_key: string };

interface ReadableFile {
  file: FileRow;
  access: ChatAccess;
}

/** Reads an upload form, passes its part `file` to `store`, and returns what `store` returned. */
export type FormReader = (
  maxSize: number,
  store: (part: FilePart) => Promise<StoredContent>,
) => Promise<StoredContent>;

const MAX_UPLOADS_UNDER_WAY = 256;
const MAX_UPLOADS_OF_A_USER = 64;

@Injectable()
export class FilesService {
  private readonly logger = new Logger('Files');
  /** The users who upload, by storage key. */
  private readonly receiving = new Map<string, number>();

  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly repository: FilesRepository,
    private readonly membership: Membership,
    private readonly storage: Storage,
  ) {}

  uploadUrl(uuid: string): string {
    return `${this.settings.publicUrl}/api/files/${uuid}`;
  }

  /** Of concurrent uploads to one link, one succeeds. A failed upload stores nothing and leaves the link open. */
  async upload(caller: Caller, uuid: string, readForm: FormReader): Promise<void> {
    const { file } = await this.requireOpenLink(caller, uuid);
    this.requireRoom(caller);
    const storageKey = `${uuid}.${randomUUID().slice(0, 8)}`;
    this.receiving.set(storageKey, caller.userId);
    try {
      await this.unitOfWork.run((tx) => this.repository.startUpload(tx, storageKey));
      await this.receive(caller, file, storageKey, readForm);
    } finally {
      this.receiving.delete(storageKey);
    }
  }

  /** So that no user keeps the others from uploading. */
  private requireRoom({ userId }: Caller): void {
    const own = [...this.receiving.values()].filter((uploader) => uploader === userId).length;
    if (own >= MAX_UPLOADS_OF_A_USER || this.receiving.size >= MAX_UPLOADS_UNDER_WAY) throw tooMuchUnderWay();
  }

  isReceiving(storageKey: string): boolean {
    return this.receiving.has(storageKey);
  }

  private async receive(
    caller: Caller,
    file: FileRow,
    storageKey: string,
    readForm: FormReader,
  ): Promise<void> {
    let content: StoredContent | undefined;
    try {
      content = await readForm(this.settings.maxFileSize, (part) => this.store(file, storageKey, part));
      await this.complete(caller, file.uuid, content);
    } catch (error) {
      // If the answer to COMMIT is lost, the file may own the bytes. Otherwise the sweeper finds and removes the upload.
      const isUndecided = content !== undefined && !(error instanceof ParleyError);
      if (!isUndecided) await this.discard(storageKey);
      throw error;
    }
  }

  private async store(file: FileRow, storageKey: string, part: FilePart): Promise<StoredContent> {
    const inspector = new ContentInspector();
    await this.storage.write(storageKey, inspector.inspect(part.bytes));
    const { size } = inspector;
    const sha256 = inspector.digestSha256();
    if (file.type === 'file') return { storageKey, size, sha256, contentType: part.contentType };
    const image = await inspector.findImageType();
    if (!image) throw notAnImage();
    const filename = part.filename || `image.${image.ext}`;
    return { storageKey, size, sha256, contentType: image.mime, filename };
  }

  private async complete(caller: Caller, uuid: string, content: StoredContent): Promise<void> {
    // The sender may have left the chat since the upload began.
    const { file, access } = await this.requireOpenLink(caller, uuid);
    await this.unitOfWork.run(async (tx) => {
      const chat = await LockedChat.lock(tx, access);
      if (!(await this.repository.finishUpload(tx, content.storageKey))) throw uploadInterrupted();
      if (!(await this.repository.consumeLink(tx, uuid, content))) throw linkUsed();
      chat.recordUpdate(file.seq);
    });
  }

  private async requireOpenLink(caller: Caller, uuid: string): Promise<ReadableFile> {
    const { file, access } = await this.requireFile(caller, uuid);
    if (file.sender_id !== caller.userId) throw notTheUploader();
    if (file.storage_key !== null) throw linkUsed();
    if (isLinkExpired(file)) throw linkExpired();
    return { file, access };
  }

  private async discard(storageKey: string): Promise<void> {
    try {
      await this.storage.remove(storageKey);
      await this.unitOfWork.run((tx) => this.repository.deleteUpload(tx, storageKey));
    } catch (error) {
      const { message } = error as Error;
      this.logger.warn(`failed upload ${storageKey} is left to the sweeper, removing it failed: ${message}`);
    }
  }

  /** @throws ParleyError (file_not_found, not_a_member, file_not_uploaded). */
  async requireUploaded(caller: Caller, uuid: string): Promise<StoredFile> {
    const { file } = await this.requireFile(caller, uuid);
    if (file.storage_key === null) throw fileNotUploaded();
    return { ...file, storage_key: file.storage_key };
  }

  async read(caller: Caller, { uuid, storage_key }: StoredFile, range: ByteRange): Promise<Readable> {
    try {
      return await this.storage.read(storage_key, range);
    } catch (error) {
      // If the file was deleted meanwhile, the caller gets the error for that.
      await this.requireUploaded(caller, uuid);
      throw error;
    }
  }

  private async requireFile(caller: Caller, uuid: string): Promise<ReadableFile> {
    const file = await this.repository.find(uuid);
    if (!file) throw fileNotFound();
    return { file, access: await this.membership.requireMember(caller, file.chat_uuid) };
  }
}
