import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { forbidden, invalid, ParleyError } from '../errors/errors.js';
import { Settings } from '../config/settings.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { LockedChat } from '../membership/locked-chat.js';
import { type ChatAccess, Membership } from '../membership/membership.service.js';
import type { Caller } from '../tokens/caller.js';
import { ContentMeter } from './content.js';
import { type FilePart, readFilePart } from './file-parts.js';
import { type FileRow, FilesRepository, isLinkExpired, type StoredContent } from './files.repository.js';
import { type ByteRange, Storage } from './storage/storage.js';

const linkUsed = () => invalid('upload link has already been used');
const interrupted = () => new ParleyError('unavailable', 'upload was interrupted, try again');

/** A file that is uploaded, and that the caller may read. */
export type StoredFile = FileRow & { storage_key: string };

/** A file, and the proof that the caller is in its chat. */
interface ReadableFile {
  file: FileRow;
  access: ChatAccess;
}

@Injectable()
export class FilesService {
  private readonly logger = new Logger('Files');
  /** The storage keys that requests of this process are writing to. */
  private readonly underWay = new Set<string>();

  constructor(
    private readonly settings: Settings,
    private readonly unitOfWork: UnitOfWork,
    private readonly repository: FilesRepository,
    private readonly membership: Membership,
    private readonly storage: Storage,
  ) {}

  /** Where to POST the bytes of a file. */
  uploadUrl(uuid: string): string {
    return `${this.settings.publicUrl}/api/files/${uuid}`;
  }

  /**
   * Stores the bytes of a form's part `file` and uses the link up, once; of several uploads at once one
   * wins. One that fails, for whatever reason, leaves the link as it was and nothing behind.
   *
   * @throws ParleyError (invalid, forbidden, too-large, storage-full) as "Files" in the contract says.
   */
  async upload(caller: Caller, uuid: string, request: FastifyRequest): Promise<void> {
    const { file } = await this.requireOpenLink(caller, uuid);
    const storageKey = `${uuid}.${randomUUID().slice(0, 8)}`;
    this.underWay.add(storageKey);
    try {
      await this.unitOfWork.run((tx) => this.repository.startUpload(tx, storageKey));
      await this.receive(caller, file, storageKey, request);
    } finally {
      this.underWay.delete(storageKey);
    }
  }

  /** Whether a request of this process is writing to the key; of what is not, the sweeper takes care. */
  isReceiving(storageKey: string): boolean {
    return this.underWay.has(storageKey);
  }

  private async receive(
    caller: Caller,
    file: FileRow,
    storageKey: string,
    request: FastifyRequest,
  ): Promise<void> {
    let completing = false;
    try {
      const content = await readFilePart(request, this.settings.maxFileSize, (part) =>
        this.store(file, storageKey, part),
      );
      completing = true;
      await this.complete(caller, file.uuid, content);
    } catch (error) {
      // A commit whose confirmation got lost may have happened: then these bytes are the file's. If it has not,
      // the upload's row is still there and the sweeper removes them.
      const isUndecided = completing && !(error instanceof ParleyError);
      if (!isUndecided) await this.discard(storageKey);
      throw error;
    }
  }

  private async store(file: FileRow, storageKey: string, part: FilePart): Promise<StoredContent> {
    const meter = new ContentMeter();
    await this.storage.write(storageKey, meter.read(part.bytes));
    const { size } = meter;
    const sha256 = meter.sha256();
    if (file.type === 'file') return { storageKey, size, sha256, contentType: part.contentType };
    const image = await meter.imageType();
    if (!image) throw invalid('uploaded file must be an image');
    const filename = part.filename || `image.${image.ext}`;
    return { storageKey, size, sha256, contentType: image.mime, filename };
  }

  private async complete(caller: Caller, uuid: string, content: StoredContent): Promise<void> {
    // The upload may have taken long: who was removed meanwhile uploads no more.
    const { access } = await this.requireOpenLink(caller, uuid);
    await this.unitOfWork.run(async (tx) => {
      await LockedChat.lock(tx, access);
      // The sweeper of a server that shares our storage may have taken the upload for abandoned.
      if (!(await this.repository.finishUpload(tx, content.storageKey))) throw interrupted();
      if (!(await this.repository.consumeLink(tx, uuid, content))) throw linkUsed();
    });
  }

  /** @throws ParleyError (invalid, forbidden) unless the caller may upload to the link now. */
  private async requireOpenLink(caller: Caller, uuid: string): Promise<ReadableFile> {
    const { file, access } = await this.requireFile(caller, uuid);
    if (file.sender_id !== caller.userId) throw forbidden('not allowed to upload files of other users');
    if (file.storage_key !== null) throw linkUsed();
    if (isLinkExpired(file)) throw invalid('upload link has expired');
    return { file, access };
  }

  /** Whatever fails here is left to the sweeper, which finds the upload's row. */
  private async discard(storageKey: string): Promise<void> {
    try {
      await this.storage.remove(storageKey);
      await this.unitOfWork.run((tx) => this.repository.deleteUpload(tx, storageKey));
    } catch (error) {
      this.logger.warn(
        `what is left of upload ${storageKey} cannot be removed yet: ${(error as Error).message}`,
      );
    }
  }

  /** @throws ParleyError (invalid) when there is no such file or it is not uploaded, (forbidden) for outsiders. */
  async requireUploaded(caller: Caller, uuid: string): Promise<StoredFile> {
    const { file } = await this.requireFile(caller, uuid);
    if (file.storage_key === null) throw invalid('specified file has not been uploaded yet');
    return { ...file, storage_key: file.storage_key };
  }

  /** The bytes of a file, or a range of them; throws as {@link requireUploaded} where it has just gone. */
  async read(caller: Caller, { uuid, storage_key }: StoredFile, range: ByteRange): Promise<Readable> {
    try {
      return await this.storage.read(storage_key, range);
    } catch (error) {
      await this.requireUploaded(caller, uuid);
      throw error;
    }
  }

  private async requireFile(caller: Caller, uuid: string): Promise<ReadableFile> {
    const file = await this.repository.find(uuid);
    if (!file) throw invalid('specified file does not exist');
    return { file, access: await this.membership.requireMember(caller, file.chat_uuid) };
  }
}
