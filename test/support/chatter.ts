import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { Person } from './person.js';

const PASSWORD = 'a good password';

export const PHONE_SIZE = { width: 390, height: 844 };
export const PHONE: BrowserContextOptions = {
  viewport: PHONE_SIZE,
  hasTouch: true,
  isMobile: true,
};

/** Somebody who uses the page at `/`. */
export class Chatter {
  private constructor(
    readonly person: Person,
    readonly username: string,
  ) {}

  /** Opens the page and creates an account. */
  static async signUp(
    browser: Browser,
    url: string,
    username: string,
    { name = username, ...options }: BrowserContextOptions & { name?: string } = {},
  ): Promise<Chatter> {
    const person = await Person.with(browser, options);
    const chatter = new Chatter(person, username);
    await person.page.goto(url);
    await chatter.register(username, name);
    return chatter;
  }

  /** Creates an account. */
  async register(username: string, name = username): Promise<void> {
    await this.press('Create an account');
    await this.fill('Username', username);
    await this.fill('Name that others see', name);
    await this.fill('E-mail', `${username}@example.com`);
    await this.fill('Password', PASSWORD);
    await this.press('Create account');
    await this.page.getByRole('button', { name: 'Log out' }).waitFor();
  }

  get page(): Page {
    return this.person.page;
  }

  fill = (label: string, text: string) => this.page.getByLabel(label, { exact: true }).fill(text);

  press = (name: string) => this.page.getByRole('button', { name, exact: true }).click();

  async logIn(): Promise<void> {
    await this.fill('Username', this.username);
    await this.fill('Password', PASSWORD);
    await this.press('Log in');
    await this.page.getByRole('button', { name: 'Log out' }).waitFor();
  }

  /** Begins a chat with people who are found by their usernames. */
  async begin(usernames: string[], { name, message }: { name: string; message: string }): Promise<void> {
    await this.press('New chat');
    for (const username of usernames) {
      await this.fill('Find people', username);
      await this.page.getByRole('button', { name: `@${username}` }).click();
    }
    await this.fill('Name of the chat', name);
    await this.fill('First message', message);
    await this.press('Begin');
    await this.message(message).waitFor();
  }

  open = (chat: string) => this.page.getByRole('link', { name: chat }).click();

  async send(text: string): Promise<void> {
    await this.fill('Message', text);
    await this.press('Send');
  }

  /** The shown message with a text. */
  message = (text: string): Locator =>
    this.page.getByRole('log').getByRole('listitem').filter({ hasText: text });

  status = (text: string): Locator => this.page.getByRole('status').filter({ hasText: text });

  attach = (file: { name: string; mimeType: string; buffer: Buffer }) =>
    this.page.getByLabel('Attach', { exact: true }).setInputFiles(file);
}
